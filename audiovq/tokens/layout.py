"""What a token table holds: its entries, and what is the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from audiovq.avq import CodesError, Header
from audiovq.codes import Codes


class TokenTableError(ValueError):
    """A token table, or an export of one, that cannot be read or written; the message names it."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One utterance.

    Shape: levels[l] (N_l * C * K_l,), frame by frame; in a frame, channel 0's codebooks come first.
    """

    utt_id: str
    num_samples: int
    num_channels: int
    silent_ms: int
    levels: tuple[np.ndarray, ...]
    speaker: str | None = None
    text: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Layout:
    """The model, named as by ``Tokenizer.model_id``, and what its codes look like; one entry a level in the tuples."""

    model: str
    sample_rate: int
    hop_lengths: tuple[int, ...]
    codebook_sizes: tuple[int, ...]
    num_codebooks: tuple[int, ...]

    @property
    def num_levels(self) -> int:
        """How many levels there are."""
        return len(self.hop_lengths)

    @property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        """Of each level's codes."""
        return smallest_types(self.codebook_sizes)

    def matrix(self, entry: Entry, level: int) -> np.ndarray:
        """The codes of one level. Shape: (N_l, C * K_l)."""
        return entry.levels[level].reshape(-1, entry.num_channels * self.num_codebooks[level])

    def codes(self, entry: Entry) -> Codes:
        """What the tokenizer decodes. Raises: TokenTableError when the entry contradicts itself or this layout."""
        try:
            matrices = [self.matrix(entry, level) for level in range(self.num_levels)]
            return Codes(
                levels=tuple(torch.from_numpy(matrix.T.astype(np.int64)) for matrix in matrices),
                sample_rate=self.sample_rate,
                num_samples=entry.num_samples,
                hop_lengths=self.hop_lengths,
                codebook_sizes=self.codebook_sizes,
                model=self.model,
                num_channels=entry.num_channels,
            )
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise TokenTableError(f"{entry.utt_id}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Layout:
        """Raises: TokenTableError for missing, unknown or wrong values."""
        try:
            known: dict[str, Any] = {
                n: tuple(value) if isinstance(value, list) else value for n, value in values.items()
            }
            layout = cls(**known)
            # The header of .avq files knows what may stand here.
            Header(**asdict(layout), num_samples=1, num_channels=1)
        except (TypeError, CodesError) as error:
            raise TokenTableError(f"the model's description is wrong: {error}") from error
        return layout


def interleaved(codes: Codes) -> tuple[np.ndarray, ...]:
    """The levels of an entry, in the smallest types that hold them."""
    dtypes = smallest_types(codes.codebook_sizes)
    return tuple(level.T.numpy().astype(dtype).reshape(-1) for level, dtype in zip(codes.levels, dtypes, strict=True))


def smallest_types(codebook_sizes: Sequence[int]) -> tuple[np.dtype[Any], ...]:
    """Unsigned integers that hold each level's codes."""
    return tuple(np.min_scalar_type(size - 1) for size in codebook_sizes)
