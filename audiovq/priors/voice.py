"""What a voice sounds like on the average, as numbers that any recording of it gives."""

from __future__ import annotations

import torch
from torch import Tensor

QUIETEST_NATS = 5.0  # frames so far below the loudest are silence


def voice_size(num_mels: int) -> int:
    """How many numbers there are."""
    return 2 * num_mels


def voice_features(mel: Tensor, scale: float) -> Tensor:
    """Mean and standard deviation of each band of a log-mel over its frames that are not silent.

    Loudness is taken out. ``scale`` brings the numbers near to 1, as a tokenizer's mel_scale does.

    Shape: (M, N) in nats -> (2 M,).
    """
    loudness = mel.mean(0)
    heard = mel[:, loudness >= loudness.max() - QUIETEST_NATS]
    centre = heard.mean(1)
    spread = heard.std(1, unbiased=False)
    return torch.cat([(centre - centre.mean()) / scale, spread / scale]).float()
