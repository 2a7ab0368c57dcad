"""Keys of music: which of the 24 major and minor keys its pitch classes fit best."""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from torch import Tensor

from audiovq.audio.pitch_classes import MODES, TONICS
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.parts import resampled_parts

_RATE = 11025  # seven octaves from C1 (33 Hz) to B7 (4 kHz) are below half of it
_HOP = 1024
FRAMES_PER_SECOND = _RATE / _HOP
# How well listeners found that each of twelve tones fits a context in C major and in C minor.
_PROFILES = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)
_SILENT = 1e-4  # -80 dB of full scale
_QUIET = 1e-6  # a chroma whose twelve sum to less tells no key


@dataclass(frozen=True)
class Key:
    """A key, and the correlation (-1 to 1) of the pitch classes with its profile."""

    tonic: str
    mode: str
    correlation: float

    @property
    def name(self) -> str:
        return f"{self.tonic} {self.mode}"


def chroma(wave: Tensor, sample_rate: int) -> np.ndarray:
    """How loud each pitch class is, from C on, FRAMES_PER_SECOND times a second, whatever the tuning.

    Shape: (T,) -> (12, N)
    Raises: NotMeasurableError for a wave that is silent or too short for the lowest octave.
    Source: librosa's chroma_cqt.
    """
    parts = resampled_parts(wave, sample_rate, _RATE, _HOP)
    if sum(map(len, parts)) < _RATE or max(float(np.abs(part).max()) for part in parts) < _SILENT:
        raise NotMeasurableError("a key needs a second of sound")
    return np.concatenate([_part_chroma(part) for part in parts], axis=1)


def _part_chroma(wave: np.ndarray) -> np.ndarray:
    if np.abs(wave).max() < _SILENT:  # which has no tuning
        return np.zeros((12, len(wave) // _HOP + 1), np.float32)
    found: np.ndarray = librosa.feature.chroma_cqt(y=wave, sr=_RATE, hop_length=_HOP, norm=None)
    return found


def key_of(pitch_classes: np.ndarray) -> Key:
    """The key whose profile correlates best with how loud the pitch classes are.

    Shape: (12,), from C on
    Raises: NotMeasurableError when they are all as loud, as in silence.
    Source: Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 4; profiles of Krumhansl and Kessler 1982,
    Tracing the Dynamic Changes in Perceived Tonal Organization in a Spatial Representation of Musical Keys, table 1.
    """
    centred = pitch_classes - pitch_classes.mean()
    size = float(np.linalg.norm(centred))
    if pitch_classes.sum() < _QUIET or size < _QUIET * pitch_classes.sum():
        raise NotMeasurableError("no pitch class is louder than another: there is no key")
    profiles = np.stack([np.roll(profile, tonic) for profile in _PROFILES for tonic in range(12)])
    profiles = profiles - profiles.mean(1, keepdims=True)
    correlations = profiles @ centred / (np.linalg.norm(profiles, axis=1) * size)
    best = int(correlations.argmax())
    return Key(TONICS[best % 12], MODES[best // 12], float(correlations[best]))


def key_stability(chromas: np.ndarray, window_seconds: float = 10.0) -> float:
    """Share of windows that are in the key of the whole: 0 to 1, no unit; silent windows do not count.

    Shape: (12, N), of `chroma`; what follows the last whole window counts with it
    Raises: NotMeasurableError when there is no key.
    """
    whole = key_of(chromas.sum(1)).name
    return float(np.mean([name == whole for name in window_keys(chromas, window_seconds)]))


def window_keys(chromas: np.ndarray, window_seconds: float) -> list[str]:
    """The keys of the windows that are not silent. Shape: (12, N)"""
    num_frames = chromas.shape[1]
    num_windows = max(1, round(num_frames / FRAMES_PER_SECOND / window_seconds))
    names = []
    for part in np.array_split(chromas, num_windows, axis=1):
        try:
            names.append(key_of(part.sum(1)).name)
        except NotMeasurableError:
            continue
    return names
