"""Signals of several rates that divide one another, as one signal: for windows to be cut out of all of them at once."""

from collections.abc import Sequence

import torch
from torch import Tensor


def to_columns(signals: Sequence[Tensor], factors: Sequence[int]) -> Tensor:
    """All of the signals that belongs to one coarsest frame is one column.

    Shape: (R_i, N * factors[i]) each -> (sum of R_i * factors[i], N)
    """
    pairs = zip(signals, factors, strict=True)
    return torch.cat([signal.unflatten(1, (-1, f)).transpose(1, 2).flatten(0, 1) for signal, f in pairs])


def from_columns(columns: Tensor, rows: Sequence[int], factors: Sequence[int]) -> list[Tensor]:
    """Undoes ``to_columns``; ``rows`` are the R_i."""
    parts = columns.split([r * f for r, f in zip(rows, factors, strict=True)])
    pairs = zip(parts, factors, strict=True)
    return [part.unflatten(0, (-1, f)).transpose(1, 2).flatten(1, 2) for part, f in pairs]
