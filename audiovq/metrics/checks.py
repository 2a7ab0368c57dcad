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
    waves = torch.as_tensor(reference).float(), torch.as_tensor(result).float()
    if waves[0].shape != waves[1].shape or waves[0].numel() == 0 or waves[0].numel() != waves[0].shape[-1]:
        shapes = " and ".join(str(tuple(wave.shape)) for wave in waves)
        raise ValueError(f"expected two mono waves (T,) or (1, T) of one length T >= 1, got {shapes}")
    for name, wave in zip(("reference", "result"), waves, strict=True):
        if not wave.isfinite().all():
            raise ValueError(f"the {name} holds samples that are not finite; nothing can be compared with them")
    return waves[0].flatten(), waves[1].flatten()
