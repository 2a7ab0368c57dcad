"""What a token table holds, in numbers: a pass over all codes."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import torch

from audiovq.metrics.codebook import entropy, perplexity, usage
from audiovq.tokens.layout import Layout, TokenTableError
from audiovq.tokens.table import TokenTable
from audiovq.units import bits_per_second, samples_to_seconds

LENGTH_EDGES_SECONDS = (0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class CodebookStatistics:
    """One codebook of a level, over all channels. counts: how often each entry occurs."""

    level: int
    codebook: int
    counts: np.ndarray
    tokens_per_second: float
    usage: float
    perplexity: float
    entropy_bits: float

    @property
    def entropy_bits_per_second(self) -> float:
        """What an ideal entropy coder needs that knows the frequencies, and nothing of the order."""
        return self.entropy_bits * self.tokens_per_second


@dataclass(frozen=True)
class Statistics:
    """Of a table. Rates are of the whole: of a table in stereo they are twice those of one in mono.

    num_duplicates: utterances with the codes of an earlier one. silence_share: of the sound, see
    ``audiovq.tokens.silence``. lengths: how many utterances are shorter than each of the edges, and longer than all.
    """

    num_utterances: int
    num_speakers: int
    seconds: float
    bits_per_second: float
    num_duplicates: int
    silence_share: float
    lengths: tuple[int, ...]
    codebooks: tuple[CodebookStatistics, ...]

    @property
    def entropy_bits_per_second(self) -> float:
        """Of all codebooks together."""
        return sum(codebook.entropy_bits_per_second for codebook in self.codebooks)


def measure(table: TokenTable) -> Statistics:
    """Raises: TokenTableError for a table without utterances."""
    layout = table.layout
    counts = [np.zeros((k, v), np.int64) for k, v in zip(layout.num_codebooks, layout.codebook_sizes, strict=True)]
    seen: set[bytes] = set()
    speakers: set[str] = set()
    lengths: Counter[int] = Counter()
    num_utterances = silent_ms = 0
    seconds = channel_seconds = 0.0
    for entry in table.entries():
        num_utterances += 1
        length = samples_to_seconds(entry.num_samples, layout.sample_rate)
        seconds += length
        channel_seconds += length * entry.num_channels
        silent_ms += entry.silent_ms
        lengths[bisect_right(LENGTH_EDGES_SECONDS, length)] += 1
        speakers.update([] if entry.speaker is None else [entry.speaker])
        digest = hashlib.blake2b(digest_size=16)
        for level, codes in enumerate(entry.levels):
            digest.update(codes.tobytes())
            _count(codes, counts[level])
        seen.add(digest.digest())
    if not num_utterances:
        raise TokenTableError(f"{table.folder} holds no utterance: there is nothing to measure")
    mono = bits_per_second(layout.sample_rate, layout.hop_lengths, layout.num_codebooks, layout.codebook_sizes)
    return Statistics(
        num_utterances=num_utterances,
        num_speakers=len(speakers),
        seconds=seconds,
        bits_per_second=mono * channel_seconds / seconds,
        num_duplicates=num_utterances - len(seen),
        silence_share=min(1.0, silent_ms / 1000 / seconds),
        lengths=tuple(lengths[i] for i in range(len(LENGTH_EDGES_SECONDS) + 1)),
        codebooks=tuple(
            _codebook(level, k, row, seconds) for level, rows in enumerate(counts) for k, row in enumerate(rows)
        ),
    )


def plot(statistics: Statistics, layout: Layout, file: BinaryIO, kind: str) -> None:
    """Lengths, and how often the entries of each level's codebooks occur, the most frequent first.

    kind: "png", "pdf" or "svg". Raises: ModuleNotFoundError without matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * (1 + layout.num_levels), 3.2), layout="constrained")
    lengths, *levels = figure.subplots(1, 1 + layout.num_levels)
    lengths.bar(length_names(), statistics.lengths)
    lengths.tick_params(axis="x", rotation=90)
    lengths.set(xlabel="seconds", ylabel="utterances", title=f"{statistics.seconds / 3600:.2f} hours")
    for book in statistics.codebooks:
        place = levels[book.level]
        share = np.sort(book.counts[book.counts > 0])[::-1] / book.counts.sum()
        place.loglog(
            np.arange(1, len(share) + 1), share, label=f"codebook {book.codebook}: {book.entropy_bits:.2f} bits"
        )
        place.set(xlabel="entries by rank", ylabel="share", title=f"level {book.level}")
        place.legend()
    figure.savefig(file, format=kind)


def length_names() -> list[str]:
    """Of the bins of ``Statistics.lengths``."""
    edges = [f"{edge:g}" for edge in LENGTH_EDGES_SECONDS]
    return [f"< {edges[0]}", *map(" - ".join, pairwise(edges)), f">= {edges[-1]}"]


def _count(codes: np.ndarray, counts: np.ndarray) -> None:
    # Codes of one codebook lie num_codebooks apart, as the codebooks of further channels follow one another.
    for codebook, row in enumerate(counts):
        row += np.bincount(codes[codebook :: len(counts)], minlength=len(row))


def _codebook(level: int, codebook: int, row: np.ndarray, seconds: float) -> CodebookStatistics:
    counts = torch.from_numpy(row)
    return CodebookStatistics(
        level=level,
        codebook=codebook,
        counts=row,
        tokens_per_second=int(row.sum()) / seconds,
        usage=usage(counts).item(),
        perplexity=perplexity(counts).item(),
        entropy_bits=entropy(counts).item(),
    )
