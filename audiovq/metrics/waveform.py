"""Scores of waveforms sample by sample. Codecs that do not keep the phase score low however good they sound."""

import numpy as np
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError, wave_pair

LIMIT_DB = 100.0


def si_sdr(reference: Tensor | np.ndarray, result: Tensor | np.ndarray) -> float:
    """Scale-invariant signal to distortion ratio: -100 to 100 (cut there), higher is better, in dB.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the reference is constant.
    Source: Le Roux et al. 2019, "SDR - Half-baked or Well Done?", equation 4, means removed first.
    """
    first, second = (wave.double() - wave.double().mean() for wave in wave_pair(reference, result))
    energy = first.square().sum()
    if energy == 0:
        raise NotMeasurableError("SI-SDR needs a reference that is not constant")
    target = (first @ second) / energy * first
    limit = 10 ** (-LIMIT_DB / 10)
    target_energy, noise_energy = target.square().sum(), (second - target).square().sum()
    if target_energy <= limit * noise_energy or target_energy == 0:
        return -LIMIT_DB
    return float(10 * (target_energy / noise_energy.clamp(min=limit * target_energy)).log10())
