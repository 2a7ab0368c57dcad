"""Means over the valid part of a padded batch, in float32."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """The mean of x (B, C, N) over frames where mask (B, 1, N) is 1; 0 when there is none. Returns a scalar."""
    x = x.float()
    if mask is None:
        return x.mean()
    return (x * mask).sum() / (mask.sum() * x.shape[1]).clamp(min=1)


def l1_loss(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference; in nats for log-mels, in full-scale units for waveforms. Shape: (B, C, N) both."""
    return masked_mean((prediction.float() - target.float()).abs(), mask)


def log_mel_loss(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor,
    loudness_power: float = 0.0,
    loudness: Callable[[Tensor], Tensor] = lambda mel: mel,
) -> Tensor:
    """Mean absolute difference in nats, in which a cell counts as its magnitude to the power of ``loudness_power``.

    So the bits go where they are heard: a power of .46 follows Stevens' law, loudness being intensity to the power of
    .23. The magnitude is the greater of both, so that what was added counts like what was lost. At 0 all cells count
    alike. The weights of an item are relative to each other: quiet items count like loud ones. ``loudness`` says
    how loud, in nats, the cells of a spectrogram are that holds more than log-mels.

    Shape: (B, M, N) both, mask (B, 1, N) -> scalar, the mean of the items weighted by their frames.
    """
    if not loudness_power:
        return l1_loss(prediction, target, mask)
    prediction, target = prediction.float(), target.float()
    weights = (loudness_power * torch.maximum(loudness(prediction.detach()), loudness(target))).exp() * mask
    distances = ((prediction - target).abs() * weights).sum((1, 2)) / weights.sum((1, 2)).clamp(min=1e-8)
    return _mean_by_frames(distances, mask)


def relative_l2_loss(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Squared error beside the size of each item's target: 1 for a guess of zero, whatever the target's scale.

    Shape: (B, C, N) both, mask (B, 1, N) -> scalar, the mean of the items weighted by their frames.
    """
    prediction, target = prediction.float() * mask, target.float() * mask
    relative = (prediction - target).square().sum((1, 2)) / target.square().sum((1, 2)).clamp(min=1e-8)
    return _mean_by_frames(relative, mask)


def compressed(magnitude: Tensor, power: float = 0.3) -> Tensor:
    """Magnitudes to the power of ``power``: differences of them are as those of loudness are to the ear.

    Source: Wilson et al. 2018, Exploring Tradeoffs in Models for Low-Latency Speech Enhancement, section 3.
    """
    floor = 1e-5  # where the slope of the power would be endless
    return magnitude.float().clamp(min=floor) ** power


def _mean_by_frames(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the items' values weighted by their frames. Shape: (B,), (B, 1, N) -> scalar."""
    frames = mask.sum((1, 2))
    return (values * frames).sum() / frames.sum().clamp(min=1)
