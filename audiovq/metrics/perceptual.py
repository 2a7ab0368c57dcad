"""PESQ: the telephone engineers' model of how listeners grade speech. For speech only, not for music."""

import numpy as np
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.system.optional import optional_package

WIDE_BAND_RATE, NARROW_BAND_RATE = 16_000, 8_000


def pesq_wb(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Wide-band PESQ of speech, at 16 kHz: about 1.02 to 4.64, higher is better, in MOS-LQO.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than 0.25 s, silent, or PESQ finds no utterance in it.
    Source: ITU-T P.862.2 (2007), by the package pesq.
    """
    return _pesq(reference, result, sample_rate, WIDE_BAND_RATE, "wb")


def pesq_nb(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Narrow-band PESQ of speech, at 8 kHz: about 1.02 to 4.55, higher is better, in MOS-LQO.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than 0.25 s, silent, or PESQ finds no utterance in it.
    Source: ITU-T P.862 (2001) with the mapping of P.862.1 (2003), by the package pesq.
    """
    return _pesq(reference, result, sample_rate, NARROW_BAND_RATE, "nb")


def _pesq(
    reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int, pesq_rate: int, mode: str
) -> float:
    first, second = wave_pair(reference, result)
    for name, wave in (("reference", first), ("result", second)):
        if not wave.any():
            raise NotMeasurableError(f"PESQ needs speech; the {name} is silent")
    package = optional_package("pesq")
    waves = [resample(wave[None], sample_rate, pesq_rate)[0].numpy() for wave in (first, second)]
    try:
        return float(package.pesq(pesq_rate, waves[0], waves[1], mode))
    except package.BufferTooShortError as error:
        raise NotMeasurableError("PESQ needs 0.25 s of speech; this pair has less") from error
    except package.NoUtterancesError as error:
        raise NotMeasurableError("PESQ finds no utterance in this pair") from error
