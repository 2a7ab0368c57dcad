"""Codecs delay, and hand back more or fewer samples: two waves made comparable, and what was done to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.audio.mel import LogMelConfig, mel_filters
from audiovq.metrics.checks import wave_pair
from audiovq.units import seconds_to_samples

MAX_DELAY_SECONDS = 0.25
_HEARD_SECONDS = 30.0  # of a longer pair its middle is compared
_REFINED_SECONDS = 0.002  # less than a period of a voice, whose next one looks alike
_SAME_WAVE = 0.5  # a correlation from which waves, and not only their envelopes, are alike


@dataclass(frozen=True)
class Fitted:
    """Waves of one length; `delay_samples` is by how much the result lagged, `notes` say what else was changed."""

    reference: Tensor
    result: Tensor
    delay_samples: int
    notes: tuple[str, ...]


def fit(reference: Tensor, result: Tensor, delay_samples: int = 0) -> Fitted:
    """Undo a delay of the result, then cut it to the reference's length or fill it up with silence.

    What the delay has pushed out of the result, at its end or its beginning, is cut off the reference.

    Shape: (T,) and (T',) -> two (T'',)
    """
    original, notes = len(reference), []
    reference, result = reference[max(0, -delay_samples) :], result[max(0, delay_samples) :]
    lost = min(max(0, delay_samples), max(0, len(reference) - len(result)))
    reference = reference[: len(reference) - lost]
    excess = len(result) - len(reference)
    if excess > 0:
        notes.append("result longer: trimmed")
    elif excess < 0:
        notes.append("result shorter: padded")
    if len(reference) < original:
        notes.append("reference trimmed where the delay left no result")
    return Fitted(reference, F.pad(result, (0, -excess)), delay_samples, tuple(notes))


def estimate_delay(
    reference: Tensor, result: Tensor, sample_rate: int, max_delay_seconds: float = MAX_DELAY_SECONDS
) -> int:
    """By how many samples the result lags; negative when it leads; 0 when either is silent.

    The peak of the cross-correlation of the bands' envelopes finds it to a millisecond, whatever became of the phase;
    where the waveforms themselves are alike near by, or one the other's negative, their peak is taken.

    Shape: (T,) and (T',)
    """
    length = max(len(reference), len(result))
    first, second = wave_pair(*(F.pad(wave, (0, length - len(wave))) for wave in (reference, result)))
    heard = min(length, seconds_to_samples(_HEARD_SECONDS, sample_rate))
    start = (length - heard) // 2
    first, second = first[start : start + heard], second[start : start + heard]
    if not first.any() or not second.any():
        return 0
    hop = max(1, sample_rate // 1000)
    reach = max(1, round(max_delay_seconds * sample_rate / hop))
    coarse = (
        hop
        * _peak(_correlation(_envelopes(first, sample_rate, hop), _envelopes(second, sample_rate, hop), 0, reach))[0]
    )
    near = max(hop, seconds_to_samples(_REFINED_SECONDS, sample_rate))
    correlation = _correlation(first[None], second[None], coarse, near).abs()
    offset, height = _peak(correlation)
    if height >= _SAME_WAVE:
        return coarse + offset
    return coarse if abs(coarse) > near else 0  # envelopes alone do not tell less from nothing


def _correlation(first: Tensor, second: Tensor, centre: int, reach: int) -> Tensor:
    """Normalised, summed over rows, at the lags centre - reach to centre + reach.

    Shape: two (R, N) -> (2 * reach + 1,)
    """
    size = 1 << (2 * first.shape[1] + 2 * (reach + abs(centre))).bit_length()
    spectrum = torch.fft.rfft(second.double(), size) * torch.fft.rfft(first.double(), size).conj()
    everything = torch.fft.irfft(spectrum.sum(0), size)
    lags = torch.arange(centre - reach, centre + reach + 1)
    return everything[lags % size] / (first.double().norm() * second.double().norm()).clamp(min=1e-12)


def _peak(correlation: Tensor) -> tuple[int, float]:
    """The lag from the middle, and the height; of equal heights the one nearest to no delay."""
    middle = len(correlation) // 2
    order = sorted(range(len(correlation)), key=lambda place: abs(place - middle))
    best = order[int(correlation[order].argmax())]
    return best - middle, float(correlation[best])


def _envelopes(wave: Tensor, sample_rate: int, hop: int) -> Tensor:
    """Logarithms of the magnitudes of 20 bands, their means removed.

    Shape: (T,) -> (20, N)
    """
    window = 1 << (16 * hop).bit_length() - 1
    filters = mel_filters(
        LogMelConfig(sample_rate=sample_rate, n_fft=window, hop_length=window // 4, num_mels=20, fmax=sample_rate / 2)
    )
    spectrum = torch.stft(
        wave, window, hop, window=torch.hann_window(window), center=True, pad_mode="constant", return_complex=True
    ).abs()
    bands = filters @ spectrum
    logs = bands.clamp(min=1e-3 * float(bands.max())).log()
    return logs - logs.mean(dim=1, keepdim=True)
