"""Tempo of music, in beats per minute, and how steady it is."""

from __future__ import annotations

import librosa
import numpy as np
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.parts import resampled_parts

_RATE = 22050
_HOP = 256
FRAMES_PER_SECOND = _RATE / _HOP
TOLERANCE = 0.04  # tempos nearer than that are the same, as in MIREX' evaluations of tempo
_USUAL = 0.15
_SHORTEST_SECONDS = 4.0
_PART_SECONDS = 30.0


def onsets(wave: Tensor, sample_rate: int) -> np.ndarray:
    """How much begins to sound at each moment, FRAMES_PER_SECOND times a second.

    Shape: (T,) -> (N,)
    Source: librosa's onset_strength: how much a log-mel spectrogram rises from frame to frame.
    """
    parts = resampled_parts(wave, sample_rate, _RATE, _HOP)
    return np.concatenate([librosa.onset.onset_strength(y=part, sr=_RATE, hop_length=_HOP) for part in parts])


def tempo_bpm(strength: np.ndarray) -> float:
    """Beats per minute of `onsets`: 30 to 300, the higher or lower octave of what some listeners tap now and then.

    It is from the mean distance of the beats, which is finer than a frame; distances that are unlike the usual one,
    where the tracker lost a beat, are left out. Long pieces have the tempo that most of their half minutes have.

    Shape: (N,)
    Raises: NotMeasurableError for less than 4 s, or where nothing begins.
    Source: Ellis 2007, Beat Tracking by Dynamic Programming, in librosa's version.
    """
    _check(strength)
    num_parts = max(1, round(len(strength) / FRAMES_PER_SECOND / _PART_SECONDS))
    found = np.array(_tempos(strength, num_parts))
    if not len(found):
        raise NotMeasurableError("there are fewer than three beats: there is no tempo")
    near = np.abs(found[:, None] / found - 1) <= TOLERANCE
    return float(found[near[near.sum(1).argmax()]].mean())


def _tempos(strength: np.ndarray, num_parts: int) -> list[float]:
    """Of as many equal parts, those of the parts that have one."""
    found = []
    for part in np.array_split(strength, num_parts):
        _, beats = librosa.beat.beat_track(onset_envelope=part, sr=_RATE, hop_length=_HOP)
        if len(beats) >= 3:
            distances = np.diff(beats)
            usual = distances[np.abs(distances / np.percentile(distances, 50, method="lower") - 1) <= _USUAL]
            found.append(float(60 * FRAMES_PER_SECOND / usual.mean()))
    return found


def pulse_clarity(strength: np.ndarray) -> float:
    """How alike the beginnings are a beat later, of beats at 40 to 300 a minute: 0 to 1, no unit.

    White noise, which has a tempo too, has about 0.05; what has no clear beat, 0.1; a click track nearly 1.

    Shape: (N,)
    Raises: NotMeasurableError as `tempo_bpm` does.
    Source: Lartillot et al. 2008, Multi-Feature Modeling of Pulse Clarity: the maximum of the autocorrelation (MAX).
    """
    _check(strength)
    centred = strength - strength.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    correlation = np.fft.irfft(power)[: len(centred)]
    shortest, longest = (round(60 * FRAMES_PER_SECOND / bpm) for bpm in (300, 40))
    return float(np.clip(correlation[shortest : longest + 1].max() / correlation[0], 0, 1))


def tempo_stability(strength: np.ndarray, window_seconds: float = 10.0) -> float:
    """Share of windows that have the tempo of the whole, its double or its half: 0 to 1, no unit.

    Windows without a tempo, as those of silence, do not count.

    Shape: (N,), of `onsets`; what follows the last whole window counts with it
    Raises: NotMeasurableError when there is no tempo.
    """
    whole = tempo_bpm(strength)
    found = _tempos(strength, max(1, round(len(strength) / FRAMES_PER_SECOND / window_seconds)))
    if not found:
        raise NotMeasurableError("no window has a tempo")
    return float(np.mean([is_same_tempo(bpm, whole) for bpm in found]))


def is_same_tempo(first_bpm: float, second_bpm: float) -> bool:
    """Whether one is the other, its double or its half, within TOLERANCE."""
    return any(abs(first_bpm * factor / second_bpm - 1) <= TOLERANCE for factor in (0.5, 1.0, 2.0))


def _check(strength: np.ndarray) -> None:
    if len(strength) < _SHORTEST_SECONDS * FRAMES_PER_SECOND:
        raise NotMeasurableError(f"a tempo needs {_SHORTEST_SECONDS:.0f} s of sound")
    if not strength.any():
        raise NotMeasurableError("nothing begins to sound: there is no tempo")
