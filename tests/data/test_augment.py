"""Gains and prefixes of levels."""

import torch

from audiovq.data.augment import random_gains, random_prefixes
from audiovq.data.loader import Batch


def batch(num_items: int, level: float) -> Batch:
    wave = level * torch.ones(num_items, 1, 8)
    return Batch(wave, torch.ones(num_items, dtype=torch.int64), torch.arange(num_items), num_items, 1.0)


def test_gains_stay_in_their_range_and_below_clipping() -> None:
    decibels = 20 * random_gains(batch(500, 0.1), 8.0).log10()
    assert decibels.shape == (500, 1, 1)
    assert -8.01 < decibels.min() < -7 and 7 < decibels.max() < 8.01
    loud = batch(500, 0.9)
    assert (loud.wave * random_gains(loud, 8.0)).abs().max() <= 0.9901


def test_a_share_of_the_items_loses_its_finer_levels() -> None:
    kept = random_prefixes(batch(4000, 0.1), 3, share=0.3)
    counts = torch.bincount(kept, minlength=4).tolist()
    assert counts[0] == 0 and abs(counts[3] / 4000 - 0.7) < 0.03
    assert abs(counts[1] - counts[2]) < 150
    assert set(random_prefixes(batch(50, 0.1), 3, share=0.0).tolist()) == {3}
    assert set(random_prefixes(batch(50, 0.1), 1, share=1.0).tolist()) == {1}
