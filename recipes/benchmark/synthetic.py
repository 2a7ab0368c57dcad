"""A voice that needs no recording."""

import numpy as np
import torch
from torch import Tensor


def speech_like(seconds: float, sample_rate: int) -> Tensor:
    """A wave with a voice's harmonics, moving formant, syllables and pauses, the same at every call.

    Shape: () -> (1, T)
    """
    time_seconds = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time_seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    formant = 900 + 500 * np.sin(2 * np.pi * 1.9 * time_seconds)
    wave = np.zeros_like(time_seconds)
    for harmonic in range(1, 40):
        gain = np.exp(-0.5 * ((harmonic * pitch - formant) / 300) ** 2) + 0.3 / harmonic
        wave += gain * np.sin(harmonic * phase)
    wave *= np.clip(np.sin(2 * np.pi * 3.1 * time_seconds), 0, None)
    wave += 0.01 * np.random.default_rng(0).standard_normal(len(wave))
    return torch.from_numpy(0.3 * wave / np.abs(wave).max()).float()[None]
