"""What is random about an item of a batch, drawn from the seed that it carries."""

from __future__ import annotations

import torch
from torch import Tensor

from audiovq.data.item_random import uniform
from audiovq.data.loader import Batch


def random_gains(batch: Batch, gain_db: float) -> Tensor:
    """Factors of up to ``gain_db`` either way, none of which clips. Shape: (B, 1, 1)."""
    decibels = (2 * uniform(batch.seeds, "gain") - 1) * gain_db
    peak = batch.wave.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-4)
    return torch.minimum((10 ** (decibels / 20)).to(peak.device)[:, None, None], 0.99 / peak)


def random_prefixes(batch: Batch, num_levels: int, share: float) -> Tensor:
    """How many levels are decoded of each item: all, or of a ``share`` of them only the first few. Shape: (B,) int."""
    prefix = 1 + (uniform(batch.seeds, "prefix") * max(1, num_levels - 1)).long()
    dropped = uniform(batch.seeds, "level dropout") < share
    return torch.where(dropped, prefix, num_levels).to(batch.wave.device)
