"""Errors of the fundamental frequency (F0), as pYIN finds it every 10 ms. For speech, or one voice that sings."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair

PITCH_RATE = 16_000
MIN_HZ, MAX_HZ = 60.0, 600.0
GROSS_ERROR = 0.2  # of the reference's F0
_WINDOW, _HOP = 1024, 160  # samples: 64 ms, nearly four periods of the deepest voice, every 10 ms


@dataclass(frozen=True, eq=False)
class Pitches:
    """F0 of two waves, frame by frame: above 0 where both are voiced. Shape: each (N,)."""

    reference_hz: np.ndarray
    result_hz: np.ndarray
    reference_voiced: np.ndarray
    result_voiced: np.ndarray

    @property
    def both_hz(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the frames that are voiced in both."""
        both = self.reference_voiced & self.result_voiced
        if not both.any():
            raise NotMeasurableError("no frame is voiced in both the reference and the result")
        return self.reference_hz[both], self.result_hz[both]


def f0_rmse(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Root mean square error of F0 over the frames voiced in both: 0 and up, lower is better, in cents.

    A semitone is 100 cents; an octave error counts 1200.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when no frame is voiced in both.
    Source: F0 by Mauch and Dixon 2014, "pYIN: A Fundamental Frequency Estimator Using Probabilistic Threshold
    Distributions", of librosa, between 60 and 600 Hz.
    """
    first, second = pitches(reference, result, sample_rate).both_hz
    return float(np.sqrt(np.mean((1200 * np.log2(second / first)) ** 2)))


def voicing_error(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Share of frames that are voiced in one alone, the voicing decision error: 0 to 1, lower is better.

    Shape: each (T,) or (1, T)
    Source: Nakatani et al. 2008, "A method for fundamental frequency estimation and voicing decision"; F0 as f0_rmse.
    """
    found = pitches(reference, result, sample_rate)
    return float(np.mean(found.reference_voiced != found.result_voiced))


def gross_pitch_error(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Share of the frames voiced in both whose F0 is off by more than 20 %: 0 to 1, lower is better.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when no frame is voiced in both.
    Source: Chu and Alwan 2009, "Reducing F0 Frame Error of F0 Tracking Algorithms under Noisy Conditions with an
    Unvoiced/Voiced Classification Frontend", section 2; F0 as f0_rmse.
    """
    first, second = pitches(reference, result, sample_rate).both_hz
    return float(np.mean(np.abs(second / first - 1) > GROSS_ERROR))


def pitches(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> Pitches:
    """Both waves' F0, at 16 kHz. Shape: each (T,) or (1, T)."""
    tracks = []
    for wave in wave_pair(reference, result):
        samples = resample(wave[None], sample_rate, PITCH_RATE)[0]
        tracks.append(_track(samples.numpy().astype(np.float32).tobytes()))
    (first, first_voiced), (second, second_voiced) = tracks
    return Pitches(first, second, first_voiced, second_voiced)


@functools.lru_cache(maxsize=4)  # three scores ask for the same pair one after another
def _track(samples: bytes) -> tuple[np.ndarray, np.ndarray]:
    import librosa  # takes a second, which those who ask for other scores need not wait

    wave = torch.frombuffer(bytearray(samples), dtype=torch.float32).numpy()
    frequency, voiced, _ = librosa.pyin(
        wave, fmin=MIN_HZ, fmax=MAX_HZ, sr=PITCH_RATE, frame_length=_WINDOW, hop_length=_HOP, fill_na=None
    )
    return frequency, voiced
