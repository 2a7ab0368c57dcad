"""Fréchet distances between sets of codes, in the space of their latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.frechet import frechet_distance, window_means
from audiovq.tokenizer import Tokenizer


def embeddings(group: Sequence[Codes], tokenizer: Tokenizer, window_seconds: float) -> list[Tensor]:
    """Mean latents over windows, level by level, of every channel.

    Shape: (W, D), one for each level
    """
    levels: list[list[Tensor]] = [[] for _ in range(group[0].num_levels)]
    for codes in group:
        for channel in range(codes.num_channels):
            own = [each[None].to(tokenizer.device) for each in codes.channel(channel).levels]
            with torch.inference_mode():
                latents = tokenizer.model.hierarchy.decode(own)
            for level, (latent, rate) in enumerate(zip(latents, codes.frame_rates, strict=True)):
                levels[level].append(window_means(latent[0].cpu(), max(1, round(window_seconds * rate))))
    return [torch.cat(each) for each in levels]


def distances_to(
    reference: Sequence[Tensor], others: Mapping[str, Sequence[Tensor]], seed: int
) -> tuple[list[int], dict[str, list[float | None]]]:
    """Fréchet distance of each set to the reference, level by level, from as many windows of each as all sets have."""
    counts = [min(map(len, same)) for same in zip(reference, *others.values(), strict=True)]
    found: dict[str, list[float | None]] = {name: [] for name in others}
    for name, group in others.items():
        for own, embedded, count in zip(reference, group, counts, strict=True):
            try:
                found[name].append(frechet_distance(_some(own, count, seed), _some(embedded, count, seed)))
            except NotMeasurableError:
                found[name].append(None)
    return counts, found


def _some(embedded: Tensor, count: int, seed: int) -> Tensor:
    return embedded[np.sort(np.random.default_rng(seed).permutation(len(embedded))[:count])]
