"""Who works on what: a global batch cut into contiguous shares, one per process and micro-batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def split(items: Sequence[T], num_shares: int) -> list[list[T]]:
    """``num_shares`` contiguous parts whose sizes differ by one at most; some are empty when items are fewer.

    Contiguous, so that what the processes gather in the order of their ranks is in the order of the whole batch.
    """
    return [
        list(items[len(items) * share // num_shares : len(items) * (share + 1) // num_shares])
        for share in range(num_shares)
    ]


def own_shares(items: Sequence[T], rank: int, world_size: int, accumulate: int) -> list[list[T]]:
    """The ``accumulate`` shares of the process ``rank``, in order."""
    return split(items, world_size * accumulate)[rank * accumulate : (rank + 1) * accumulate]
