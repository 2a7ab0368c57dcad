"""What all scores share: the two waves they compare."""

import numpy as np
import torch
from torch import Tensor


class NotMeasurableError(ValueError):
    """A score has no value for this pair, because it is too short, silent or without text."""


def wave_pair(reference: Tensor | np.ndarray, result: Tensor | np.ndarray) -> tuple[Tensor, Tensor]:
    """Two mono waves of one length, as float32.

    Shape: each (T,) or (1, T) -> (T,)
    Raises: ValueError when the shapes differ, a wave is empty or not mono, or a sample is not finite.
    """
    shapes = [tuple(torch.as_tensor(wave).shape) for wave in (reference, result)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected two mono waves of one length, got {shapes[0]} and {shapes[1]}")
    return mono_wave("reference", reference), mono_wave("result", result)


def mono_wave(name: str, wave: Tensor | np.ndarray) -> Tensor:
    """A mono wave as float32.

    Shape: (T,) or (1, T) -> (T,)
    Raises: ValueError, which says `name`, when it is empty or not mono, or a sample is not finite.
    """
    wave = torch.as_tensor(wave).float()
    if wave.numel() == 0 or wave.numel() != wave.shape[-1]:
        raise ValueError(f"expected a mono wave (T,) or (1, T) with T >= 1, got the {name} {tuple(wave.shape)}")
    if not wave.isfinite().all():
        raise ValueError(f"the {name} holds samples that are not finite; nothing can be compared with them")
    return wave.flatten()
