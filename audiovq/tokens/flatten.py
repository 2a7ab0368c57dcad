"""Levels to one stream for plain language models, and back.

The stream goes by coarsest frames. Each frame is followed by the finer frames beneath it, each of these by its own
finer ones, as Orpheus orders the codes of SNAC: with rates of 1, 2 and 4, `0 1 2 2 1 2 2`. In a frame, channel 0's
codebooks come first. Every codebook has a range of tokens of its own: level 0's codebooks lie lowest, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

import numpy as np

from audiovq.tokens.layout import Entry, Layout, TokenTableError


def vocabulary_size(layout: Layout) -> int:
    """How many tokens there are; further ones, such as an end, may be numbered from here on."""
    return sum(k * v for k, v in zip(layout.num_codebooks, layout.codebook_sizes, strict=True))


def offsets(layout: Layout) -> list[list[int]]:
    """The token of each codebook's code 0, by level."""
    levels = list(zip(layout.num_codebooks, layout.codebook_sizes, strict=True))
    starts = accumulate((k * v for k, v in levels), initial=0)
    return [[start + k * v for k in range(num)] for start, (num, v) in zip(starts, levels, strict=False)]


def flatten(entry: Entry, layout: Layout) -> np.ndarray:
    """Shape: (S,), S the number of codes of all levels."""
    order, shifts, widths = _plan(layout, entry.num_channels)
    frames = [level.reshape(-1, width) for level, width in zip(entry.levels, widths, strict=True)]
    tokens = np.concatenate(frames, axis=1, dtype=np.int64) + shifts
    return tokens[:, order].reshape(-1).astype(np.min_scalar_type(vocabulary_size(layout) - 1))


def unflatten(tokens: np.ndarray, num_channels: int, layout: Layout) -> tuple[np.ndarray, ...]:
    """The levels of an entry. Raises: TokenTableError for tokens that are not whole coarsest frames in their order."""
    order, shifts, widths = _plan(layout, num_channels)
    if len(tokens) % len(order):
        raise TokenTableError(f"{len(tokens)} tokens, expected a multiple of {len(order)}, those of a coarsest frame")
    frames = np.empty((len(tokens) // len(order), len(order)), np.int64)
    frames[:, order] = tokens.reshape(-1, len(order))
    levels = np.split(frames - shifts, list(accumulate(widths))[:-1], axis=1)
    for level, (codes, size) in enumerate(zip(levels, layout.codebook_sizes, strict=True)):
        if codes.size and not (codes.min() >= 0 and codes.max() < size):
            raise TokenTableError(f"a token of another codebook stands where level {level} is expected")
    return tuple(codes.reshape(-1).astype(dtype) for codes, dtype in zip(levels, layout.dtypes, strict=True))


@lru_cache
def _plan(layout: Layout, num_channels: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Of the codes beneath a coarsest frame, level by level: their order in the stream, their offsets, their number."""
    factors = [layout.hop_lengths[0] // hop for hop in layout.hop_lengths]
    rows = [num_channels * k for k in layout.num_codebooks]
    widths = [factor * num for factor, num in zip(factors, rows, strict=True)]
    starts = list(accumulate(widths, initial=0))

    def walk(level: int, frame: int) -> Iterator[int]:
        first = starts[level] + frame * rows[level]
        yield from range(first, first + rows[level])
        if level + 1 < layout.num_levels:
            ratio = factors[level + 1] // factors[level]
            for child in range(frame * ratio, (frame + 1) * ratio):
                yield from walk(level + 1, child)

    by_level = zip(offsets(layout), factors, strict=True)
    shifts = np.concatenate([np.tile(shift, num_channels * factor) for shift, factor in by_level])
    return np.array(list(walk(0, 0))), shifts, widths
