"""Distances of spectrograms at several window lengths, since one window hides either clicks or detuned harmonics."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.mel import LogMelConfig, mel_filters
from audiovq.metrics.checks import wave_pair

MEL_SCALES = ((128, 20), (256, 40), (512, 80), (1024, 80), (2048, 80))  # (window in samples, mel bands)
STFT_WINDOWS = (512, 1024, 2048)
FLOOR = 1e-5


def multi_scale_mel_distance(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mean over five windows of the L1 between log-mel magnitudes: 0 and up, lower is better, in nat.

    Shape: each (T,) or (1, T)
    Source: form of Kumar et al. 2023, "High-Fidelity Audio Compression with Improved RVQGAN", section 3.4,
    with natural logarithms and the mean instead of the sum over windows.
    """
    first, second = wave_pair(reference, result)
    total = 0.0
    for window, num_mels in MEL_SCALES:
        filters = _filters(sample_rate, window, num_mels)
        logs = [(filters @ _magnitudes(wave, window)).clamp(min=FLOOR).log() for wave in (first, second)]
        total += float((logs[0] - logs[1]).abs().mean())
    return total / len(MEL_SCALES)


def multi_resolution_stft_distance(reference: Tensor | np.ndarray, result: Tensor | np.ndarray) -> float:
    """Mean over three windows of spectral convergence + L1 of log magnitudes (nat): 0 and up, lower is better.

    Shape: each (T,) or (1, T)
    Source: Yamamoto et al. 2020, "Parallel WaveGAN", equations 4 to 6.
    """
    first, second = wave_pair(reference, result)
    total = 0.0
    for window in STFT_WINDOWS:
        spectrum, other = _magnitudes(first, window), _magnitudes(second, window)
        convergence = (spectrum - other).norm() / spectrum.norm().clamp(min=FLOOR)
        log_distance = (spectrum.clamp(min=FLOOR).log() - other.clamp(min=FLOOR).log()).abs().mean()
        total += float(convergence + log_distance)
    return total / len(STFT_WINDOWS)


def log_spectral_distance(reference: Tensor | np.ndarray, result: Tensor | np.ndarray) -> float:
    """Mean over frames of the root mean square difference of log magnitudes: 0 and up, lower is better, in dB.

    Windows of 2048 samples every 512, magnitudes from -100 dB on, so figures of different sample rates differ.

    Shape: each (T,) or (1, T)
    Source: Gray and Markel 1976, "Distance Measures for Speech Processing", equation 9, with p = 2.
    """
    logs = [20 * _magnitudes(wave, 2048).clamp(min=FLOOR).log10() for wave in wave_pair(reference, result)]
    return float((logs[0] - logs[1]).square().mean(dim=0).sqrt().mean())


def _magnitudes(wave: Tensor, window: int) -> Tensor:
    shape = torch.hann_window(window)
    return torch.stft(
        wave, window, window // 4, window=shape, center=True, pad_mode="constant", return_complex=True
    ).abs()


@lru_cache(maxsize=16)
def _filters(sample_rate: int, window: int, num_mels: int) -> Tensor:
    return mel_filters(
        LogMelConfig(
            sample_rate=sample_rate, n_fft=window, hop_length=window // 4, num_mels=num_mels, fmax=sample_rate / 2
        )
    )
