"""Whether two recordings sound like one speaker."""

import functools
import warnings
from typing import Any

import numpy as np
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.system.optional import optional_package

SPEAKER_RATE = 16_000
MIN_SECONDS = 1.0  # the encoder was trained on 1.6 s; of much less it tells little


def speaker_similarity(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Cosine of two speaker embeddings, at 16 kHz: -1 to 1, higher is more alike; different people are at 0.5 to 0.7.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the pair is shorter than a second, or silent.
    Source: Wan et al. 2018, Generalized End-to-End Loss for Speaker Verification, by the package resemblyzer.
    """
    first, second = wave_pair(reference, result)
    if len(first) < MIN_SECONDS * sample_rate:
        raise NotMeasurableError(f"speaker similarity needs {MIN_SECONDS} s of speech; this pair has less")
    for name, wave in (("reference", first), ("result", second)):
        if not wave.any():
            raise NotMeasurableError(f"speaker similarity needs speech; the {name} is silent")
    return float(_embedding(first, sample_rate) @ _embedding(second, sample_rate))


def _embedding(wave: Tensor, sample_rate: int) -> np.ndarray:
    """A unit vector."""
    samples = resample(wave[None], sample_rate, SPEAKER_RATE)[0].numpy()
    package = _package()
    level = package.audio_norm_target_dBFS  # as loud as what the encoder was trained on
    embedding: np.ndarray = _encoder().embed_utterance(package.normalize_volume(samples, level, increase_only=True))
    return embedding


def _package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a part of scipy that only its trimming needs
        return optional_package("resemblyzer").audio


@functools.cache
def _encoder() -> Any:
    _package()
    return optional_package("resemblyzer").VoiceEncoder("cpu", verbose=False)
