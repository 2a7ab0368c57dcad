"""Means over the valid part of a padded batch, in float32."""

from __future__ import annotations

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
