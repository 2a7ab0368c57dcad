"""How well the picture between two channels is kept: where sounds are (level) and how wide they are (correlation)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.mel import LogMelConfig, mel_filters
from audiovq.metrics.checks import NotMeasurableError, mono_wave
from audiovq.metrics.multi_scale import multi_scale_mel_distance

NUM_BANDS = 24
WINDOW_SECONDS = 0.046
TILE_WINDOWS = 8  # whose energies are added up
QUIETEST_DB = 60.0  # tiles further below the loudest one of the reference do not count
LARGEST_DB = 40.0  # level differences beyond it all sound like one side alone
_TINY = 1e-12


def level_difference_error(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mean over tiles of time and band of the error of left's level above right's: 0 and up, lower is better, in dB.

    Shape: each (2, T)
    Raises: NotMeasurableError when the reference is silent or not stereo.
    Source: the level differences of Breebaart et al. 2005, "Parametric Coding of Stereo Audio", equation 5.
    """
    first, second, counts = _tiles(reference, result, sample_rate)
    differences = [_level_difference(tiles) for tiles in (first, second)]
    return float((differences[0] - differences[1]).abs()[counts].mean())


def correlation_error(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mean over tiles of time and band of the error of the channels' correlation: 0 to 2, lower is better.

    Shape: each (2, T)
    Raises: as ``level_difference_error`` does.
    Source: the coherence of Breebaart et al. 2005, equation 8, at no delay.
    """
    first, second, counts = _tiles(reference, result, sample_rate)
    correlations = [tiles[2] / (tiles[0] * tiles[1]).sqrt().clamp(min=_TINY) for tiles in (first, second)]
    return float((correlations[0] - correlations[1]).abs()[counts].mean())


def channel_mel_distance(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """Mean of ``multi_scale_mel_distance`` of left and of right.

    Shape: each (2, T)
    Raises: NotMeasurableError for mono.
    """
    _check(reference, result)
    distances = [multi_scale_mel_distance(*pair, sample_rate) for pair in zip(reference, result, strict=True)]
    return sum(distances) / len(distances)


def _check(*waves: Tensor | np.ndarray) -> None:
    if any(wave.ndim != 2 or len(wave) != 2 for wave in waves):
        raise NotMeasurableError("there are not two channels")


def _level_difference(tiles: Tensor) -> Tensor:
    left, right = tiles[0].clamp(min=_TINY), tiles[1].clamp(min=_TINY)
    return (10 * (left / right).log10()).clamp(-LARGEST_DB, LARGEST_DB)


def _tiles(
    reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Energies of left, of right and what they share, of both waves, and which tiles count.

    Shape: (3, bands, n) twice, (bands, n)
    """
    _check(reference, result)
    first, second = (_energies(wave, sample_rate) for wave in (reference, result))
    loudness = first[:2].sum(0)
    counts = loudness > max(float(loudness.max()) * 10 ** (-QUIETEST_DB / 10), _TINY)
    if not counts.any():
        raise NotMeasurableError("the reference is silent")
    return first, second, counts


def _energies(wave: Tensor | np.ndarray, sample_rate: int) -> Tensor:
    window = 2 * round(WINDOW_SECONDS * sample_rate / 2)
    left, right = (
        torch.stft(
            mono_wave("channel", channel),
            window,
            window // 4,
            window=torch.hann_window(window),
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        for channel in wave
    )
    powers = torch.stack([left.abs().square(), right.abs().square(), (left * right.conj()).real])
    bands = _filters(sample_rate, window) @ powers
    missing = -bands.shape[2] % TILE_WINDOWS
    return torch.nn.functional.pad(bands, (0, missing)).unflatten(2, (-1, TILE_WINDOWS)).sum(3)


@lru_cache(maxsize=4)
def _filters(sample_rate: int, window: int) -> Tensor:
    return mel_filters(
        LogMelConfig(
            sample_rate=sample_rate,
            n_fft=window,
            hop_length=window // 2,
            num_mels=NUM_BANDS,
            fmax=sample_rate / 2,
            filter_scale="htk",
            filter_norm="none",
        )
    )
