"""Waveforms as callers have them, numpy or torch, integer or float, brought to one form."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

Waveform = np.ndarray[Any, Any] | Tensor
MAX_CHANNELS = 64  # more is a transposed array


def as_wave(audio: Waveform) -> Tensor:
    """The waveform as a tensor of its own type with a channel axis. Shape: (T,) or (C, T) -> (C, T).

    Raises: ValueError for another kind or shape, and when there are no samples.
    """
    wave = torch.from_numpy(audio) if isinstance(audio, np.ndarray) else audio
    if not isinstance(wave, Tensor):
        raise ValueError(f"expected a path, a numpy array or a torch tensor, got {type(audio).__name__}")
    if wave.ndim == 1:
        wave = wave[None]
    if wave.ndim != 2 or not 1 <= wave.shape[0] <= MAX_CHANNELS:
        raise ValueError(
            f"expected a waveform of shape (T,) or (C, T) with C <= {MAX_CHANNELS}, got {tuple(audio.shape)}"
        )
    if wave.shape[1] == 0:
        raise ValueError("the waveform holds no samples")
    if wave.is_complex() or wave.dtype == torch.bool:
        raise ValueError(f"expected float or integer samples, got {wave.dtype}")
    return wave.detach()


def as_floats(wave: Tensor) -> Tensor:
    """Samples as float32 on the CPU, integers scaled by the range of their type.

    Raises: ValueError when a sample is NaN or infinite.
    """
    if wave.is_floating_point():
        floats = wave.to("cpu", torch.float32)
    else:
        limits = torch.iinfo(wave.dtype)
        middle = (limits.max + limits.min + 1) // 2  # unsigned types swing around their middle
        floats = ((wave.cpu().double() - middle) / (limits.max + 1 - middle)).float()
    if not floats.isfinite().all():
        raise ValueError("the waveform holds a sample that is not a finite number (NaN or infinity)")
    return floats
