"""Batches of about equal lengths."""

import random

from audiovq.data.length_batches import length_batches, ordered_length_batches


def lengths() -> list[int]:
    drawn = random.Random(1)
    return [drawn.randint(1, 100) for _ in range(200)]


def test_each_item_is_there_once_and_no_batch_is_too_large() -> None:
    for batches in (length_batches(lengths(), 300, seed=1, epoch=2), ordered_length_batches(lengths(), 300)):
        assert sorted(index for batch in batches for index in batch) == list(range(200))
        assert all(len(batch) * max(lengths()[index] for index in batch) <= 300 for batch in batches)


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    assert length_batches(lengths(), 300, 1, 2) == length_batches(lengths(), 300, 1, 2)
    assert length_batches(lengths(), 300, 1, 2) != length_batches(lengths(), 300, 1, 3)
    assert length_batches(lengths(), 300, 1, 2) != length_batches(lengths(), 300, 2, 2)


def test_little_of_a_batch_is_padding() -> None:
    batches = length_batches(lengths(), 300, seed=1, epoch=0)
    padded = sum(len(batch) * max(lengths()[index] for index in batch) for batch in batches)
    assert padded < 1.25 * sum(lengths())


def test_a_long_item_is_alone() -> None:
    assert [3] in length_batches([1, 2, 3, 1000], 10, seed=0, epoch=0)
    assert ordered_length_batches([], 10) == []
