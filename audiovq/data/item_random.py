"""Random numbers that belong to an item, not to the process or the place in the batch where it is met."""

from __future__ import annotations

import random

import torch
from torch import Tensor


def item_seed(*parts: object) -> int:
    """A seed of 62 bits from whatever tells an item's appearance from all others, such as seed, epoch and utterance."""
    return random.Random(" ".join(map(str, parts))).getrandbits(62)


def uniform(seeds: Tensor, purpose: str) -> Tensor:
    """One number of [0, 1) for each item; another for each ``purpose``. Shape: (B,) int64 -> (B,) float32, CPU."""
    return torch.tensor([random.Random(f"{seed} {purpose}").random() for seed in seeds.tolist()])
