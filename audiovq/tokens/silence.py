"""How much of a sound is silent: measured on the waveform, since codes do not say how loud they are."""

from __future__ import annotations

import torch
from torch import Tensor

from audiovq.units import seconds_to_samples

FRAME_MS = 20
THRESHOLD_DBFS = -50.0


def silent_ms(wave: Tensor, sample_rate: int) -> int:
    """Milliseconds in frames of 20 ms whose level is below -50 dBFS on every channel; a last part frame counts whole.

    Shape: (C, T)
    """
    frame = frame_samples(sample_rate)
    whole = wave.shape[1] - wave.shape[1] % frame
    power = wave[:, :whole].unflatten(1, (-1, frame)).square().mean(dim=2)
    if whole < wave.shape[1]:
        power = torch.cat([power, wave[:, whole:].square().mean(dim=1, keepdim=True)], dim=1)
    return FRAME_MS * int((power.amax(dim=0) < 10 ** (THRESHOLD_DBFS / 10)).sum())


def frame_samples(sample_rate: int) -> int:
    """Of the frames: measured in blocks of whole frames, the silence of a sound is the sum of theirs."""
    return max(1, seconds_to_samples(FRAME_MS / 1000, sample_rate))
