"""Mel-cepstral distortion: how far apart the envelopes of two voices are, frame by frame."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError, mono_wave, wave_pair
from audiovq.metrics.log_mel import log_mel, log_mel_config

NUM_COEFFICIENTS = 13
MAX_WARPED_SECONDS = 60.0  # the table of all pairs of frames grows with the square
_DB_PER_NAT = 10 * math.sqrt(2) / math.log(10)  # of coefficients c_d where ln |H| is the sum of c_d cos(d w)


def mcd(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mel-cepstral distortion, frame n against frame n: 0 and up, lower is better, in dB.

    Over coefficients 1 to 13, so loudness does not count; silent frames do. Cepstra are those of 80 log-mel bands up to
    half the sample rate: figures from other cepstra (SPTK's, WORLD's) cannot be compared with these.

    Shape: each (T,) or (1, T)
    Source: Kubichek 1993, "Mel-Cepstral Distance Measure for Objective Speech Quality Assessment".
    """
    first, second = (mel_cepstrum(wave, sample_rate) for wave in wave_pair(reference, result))
    return float(_distances(first, second).mean())


def mcd_dtw(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mel-cepstral distortion along the path of dynamic time warping, for voices that take their own time: as ``mcd``.

    Shape: (T,) and (T',), or each with a 1 before it
    Raises: NotMeasurableError when either is longer than a minute.
    Source: Kubichek 1993; Sakoe and Chiba 1978, "Dynamic Programming Algorithm Optimization for Spoken Word
    Recognition", symmetric steps without weights; by librosa.
    """
    waves = mono_wave("reference", reference), mono_wave("result", result)
    longest = max(len(wave) for wave in waves) / sample_rate
    if longest > MAX_WARPED_SECONDS:
        raise NotMeasurableError(f"MCD with time warping takes up to {MAX_WARPED_SECONDS:g} s, got {longest:.1f} s")
    import librosa  # takes a second, which those who ask for other scores need not wait

    first, second = (mel_cepstrum(wave, sample_rate) for wave in waves)
    _, path = librosa.sequence.dtw(first.numpy(), second.numpy())
    return float(_distances(first[:, path[:, 0].copy()], second[:, path[:, 1].copy()]).mean())


def mel_cepstrum(wave: Tensor, sample_rate: int) -> Tensor:
    """Coefficients 1 to 13 of the cosine series of a log-mel spectrum, every 10 ms.

    Shape: (T,) -> (13, N) float64
    """
    mel = log_mel(wave, log_mel_config(sample_rate)).double()
    bands = (torch.arange(len(mel), dtype=torch.float64) + 0.5) / len(mel)
    orders = torch.arange(1, NUM_COEFFICIENTS + 1, dtype=torch.float64)
    return 2 / len(mel) * torch.cos(math.pi * orders[:, None] * bands) @ mel


def _distances(first: Tensor, second: Tensor) -> Tensor:
    return _DB_PER_NAT * (first - second).norm(dim=0)
