"""ViSQOL: a listener's grade from how alike two spectrograms look, patch by patch."""

import functools
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.optional import optional_package

SPEECH_RATE = 16_000
MIN_SECONDS = 1.0  # patches of 0.4 s, of which silent ones are left out


def visqol_speech(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """ViSQOL of speech, at 16 kHz: 1 to 5, higher is better, in MOS-LQO.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than a second, or silent.
    Source: Chinen et al. 2020, ViSQOL v3: An Open Source Production Ready Objective Speech and Audio Metric, in
    speech mode with its lattice network; by the package visqol-python.
    """
    first, second = wave_pair(reference, result)
    if len(first) < MIN_SECONDS * sample_rate:
        raise NotMeasurableError(f"ViSQOL needs {MIN_SECONDS} s of speech; this pair has less")
    for name, wave in (("reference", first), ("result", second)):
        if not wave.any():
            raise NotMeasurableError(f"ViSQOL needs speech; the {name} is silent")
    waves = [resample(wave[None], sample_rate, SPEECH_RATE)[0].double().numpy() for wave in (first, second)]
    return float(_speech_model().measure_from_arrays(*waves, SPEECH_RATE).moslqo)


@functools.cache
def _speech_model() -> Any:
    optional_package("ai_edge_litert")  # without it the package falls back to a mapping that grades far too well
    package: ModuleType = optional_package("visqol")
    model = package.VisqolApi()
    model.create(mode="speech")
    return model
