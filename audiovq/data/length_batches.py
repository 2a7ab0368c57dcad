"""Batches of items of about the same length."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence


def length_batches(lengths: Sequence[float], max_total: float, seed: int, epoch: int) -> list[list[int]]:
    """Indices of all items once, in batches of about equal lengths and at most ``max_total``, padding included.

    A pure function of its arguments, so a run can go on in the middle of an epoch. A longer item is alone in its batch.
    """
    drawn = random.Random(f"{seed} {epoch}")
    noisy = {index: length * drawn.uniform(0.95, 1.05) for index, length in enumerate(lengths)}
    batches = list(packed(sorted(noisy, key=lambda index: noisy[index]), lengths, max_total))
    drawn.shuffle(batches)
    return batches


def ordered_length_batches(lengths: Sequence[int], max_total: float) -> list[list[int]]:
    """The same for one look at everything, short items first."""
    return list(packed(sorted(range(len(lengths)), key=lambda index: lengths[index]), lengths, max_total))


def packed(order: Iterable[int], lengths: Sequence[float], max_total: float) -> Iterator[list[int]]:
    """Neighbours in the given order, in batches of at most ``max_total``, padding included, or of one longer item."""
    batch: list[int] = []
    longest = 0.0
    for index in order:
        longest = max(longest, lengths[index])
        if batch and longest * (len(batch) + 1) > max_total:
            yield batch
            batch, longest = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch
