"""ViSQOL: a listener's grade from how alike two spectrograms look, patch by patch."""

import functools
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.system.optional import optional_package

SPEECH_RATE, AUDIO_RATE = 16_000, 48_000
MIN_SECONDS = 1.0  # patches of 0.4 s of speech or 0.6 s of audio, of which silent ones are left out


def visqol_speech(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """ViSQOL of speech, at 16 kHz: 1 to 5, higher is better, in MOS-LQO.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than a second, or silent.
    Source: Chinen et al. 2020, ViSQOL v3: An Open Source Production Ready Objective Speech and Audio Metric, in
    speech mode with its lattice network; by the package visqol-python.
    """
    optional_package("ai_edge_litert")  # without it the package falls back to a mapping that grades far too well
    return _visqol(reference, result, sample_rate, SPEECH_RATE, "speech")


def visqol_audio(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """ViSQOL of music or any sound, at 48 kHz: 1 to 4.73, higher is better, in MOS-LQO.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than a second, or silent.
    Source: Chinen et al. 2020, ViSQOL v3: An Open Source Production Ready Objective Speech and Audio Metric, in
    audio mode with its support vector machine; by the package visqol-python.
    """
    return _visqol(reference, result, sample_rate, AUDIO_RATE, "audio")


def _visqol(
    reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int, visqol_rate: int, mode: str
) -> float:
    first, second = wave_pair(reference, result)
    if len(first) < MIN_SECONDS * sample_rate:
        raise NotMeasurableError(f"ViSQOL needs {MIN_SECONDS} s of sound; this pair has less")
    for name, wave in (("reference", first), ("result", second)):
        if not wave.any():
            raise NotMeasurableError(f"ViSQOL needs sound; the {name} is silent")
    waves = [resample(wave[None], sample_rate, visqol_rate)[0].double().numpy() for wave in (first, second)]
    return float(_model(mode).measure_from_arrays(*waves, visqol_rate).moslqo)


@functools.cache
def _model(mode: str) -> Any:
    package: ModuleType = optional_package("visqol")
    model = package.VisqolApi()
    model.create(mode=mode)
    return model
