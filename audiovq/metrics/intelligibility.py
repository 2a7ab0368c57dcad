"""STOI and ESTOI: how much of speech stays intelligible. For speech only: on music the figures mean nothing."""

import warnings

import numpy as np
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.system.optional import optional_package

# 30 frames of 256 samples, half overlapping, at the 10 kHz that STOI works at.
MIN_SECONDS = (29 * 128 + 256) / 10_000


def stoi(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Short-time objective intelligibility of speech: about 0 to 1, higher is better, no unit.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when less than 0.4 s of speech is left without its silent frames.
    Source: Taal et al. 2011, "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted Noisy Speech".
    """
    return _measure(reference, result, sample_rate, extended=False)


def estoi(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Extended STOI, stricter where energy is modulated: about 0 to 1, higher is better, no unit.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when less than 0.4 s of speech is left without its silent frames.
    Source: Jensen and Taal 2016, "An Algorithm for Predicting the Intelligibility of Speech Masked by Modulated
    Noise Maskers".
    """
    return _measure(reference, result, sample_rate, extended=True)


def _measure(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int, extended: bool) -> float:
    first, second = wave_pair(reference, result)
    too_short = f"STOI needs {MIN_SECONDS} s of speech, silent frames not counted; this pair has less"
    if len(first) < MIN_SECONDS * sample_rate:
        raise NotMeasurableError(too_short)
    if not first.any():
        raise NotMeasurableError("STOI needs speech; the reference is silent")
    package = optional_package("pystoi")
    with warnings.catch_warnings():
        # The package answers 1e-5 and a warning where there is no answer: that would go into means as a score.
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        try:
            return float(package.stoi(first.double().numpy(), second.double().numpy(), sample_rate, extended=extended))
        except RuntimeWarning as warning:
            raise NotMeasurableError(too_short) from warning
