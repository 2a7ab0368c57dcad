"""Log-mel distance: how far apart two sounds are in one spectrogram."""

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.metrics.checks import wave_pair


def log_mel_l1(reference_mel: Tensor, result_mel: Tensor) -> float:
    """Mean absolute difference of two log-mel spectrograms: 0 and up, lower is better, in nat (1 nat = 8.69 dB).

    Shape: two of one shape, such as (M, N).
    Raises: ValueError when the shapes differ, or nothing is in them.
    """
    if reference_mel.shape != result_mel.shape or reference_mel.numel() == 0:
        raise ValueError(
            f"expected two spectrograms of one shape, got {tuple(reference_mel.shape)} and {tuple(result_mel.shape)}"
        )
    return float((reference_mel.double() - result_mel.double()).abs().mean())


def wave_log_mel_l1(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, config: LogMelConfig) -> float:
    """Log-mel L1 of two waves, both at `config.sample_rate`: 0 and up, lower is better, in nat.

    Shape: each (T,) or (1, T)
    """
    return log_mel_l1(*(log_mel(wave, config) for wave in wave_pair(reference, result)))


def log_mel_config(sample_rate: int) -> LogMelConfig:
    """The spectrogram in which waves of one rate are compared: 80 bands up to half the rate, 40 ms every 10 ms."""
    hop_length = round(sample_rate / 100)
    n_fft = 4 * hop_length + hop_length % 2  # at 44.1 kHz a sample more, so that a window centres on its hop
    return LogMelConfig(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, num_mels=80, fmax=sample_rate / 2)


def log_mel(wave: Tensor, config: LogMelConfig) -> Tensor:
    """Log-mel spectrogram of a mono wave.

    Shape: (T,) -> (M, N)
    """
    with torch.inference_mode():
        mel: Tensor = LogMel(config)(wave[None, None])[0]
    return mel
