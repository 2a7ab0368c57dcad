"""How much later a codec's sound comes out than it went in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_ENVELOPE_HOP_SECONDS = 0.001
_LONGEST_SECONDS = 0.2
_FINE_SECONDS = 0.005
_UNNOTICED_SECONDS = 0.002  # what bands alone cannot tell from no delay, and no score minds
_SAME_WAVEFORM = 0.5  # a codec that keeps the waveform correlates above this; one that rebuilds speech does not
_NO_DOUBT = 0.8
_CLEARLY_BETTER = 0.1


def measure_delays(pairs: Sequence[tuple[Tensor, Tensor]], sample_rate: int) -> list[int]:
    """The delays in samples that a codec has, the one that fits all (original, decoded) pairs best before others.

    That one is found by how loud both are, millisecond by millisecond in bands; then, where the codec keeps the
    waveform, to the sample. Others are those of pairs whose waveforms leave no doubt: speexdec takes the delay off long
    files and leaves it in short ones.

    Shape: each (T,)
    """
    hop = round(_ENVELOPE_HOP_SECONDS * sample_rate)
    longest = round(_LONGEST_SECONDS / _ENVELOPE_HOP_SECONDS)
    envelopes = [tuple(_envelope(wave, hop) for wave in pair) for pair in pairs]
    coarse = hop * _best_lag(envelopes, -longest, longest)[0]
    waves = [(original[None], decoded[None]) for original, decoded in pairs]
    reach = round(_FINE_SECONDS * sample_rate)
    fine, correlation = _best_lag(waves, coarse - reach, coarse + reach)
    unnoticed = round(_UNNOTICED_SECONDS * sample_rate)
    delays = [fine if correlation > _SAME_WAVEFORM else coarse if abs(coarse) > unnoticed else 0]
    for pair in waves:
        own, correlation = _best_lag([pair], -longest * hop, longest * hop)
        if correlation > _NO_DOUBT and min(abs(own - delay) for delay in delays) > unnoticed:
            delays.append(own)
    return delays


def delay_of(original: Tensor, decoded: Tensor, sample_rate: int, delays: Sequence[int]) -> int:
    """Which of a codec's delays a pair has; to the sample where the waveform is kept.

    Another is believed only where the waveforms leave no doubt: a period of a voice looks much like the next.

    Shape: each (T,)
    """
    reach = round(_UNNOTICED_SECONDS * sample_rate)
    pair = [(original[None], decoded[None])]
    found = [(*_best_lag(pair, delay - reach, delay + reach), delay) for delay in delays]
    own, correlation, delay = max(found, key=lambda lag: lag[1])
    longest = round(_LONGEST_SECONDS * sample_rate)
    other, correlation_of_other = _best_lag(pair, -longest, longest)
    if correlation_of_other > max(_NO_DOUBT, correlation + _CLEARLY_BETTER):
        return other
    return own if correlation > _SAME_WAVEFORM else delay


def align(decoded: Tensor, delay: int, num_samples: int) -> Tensor:
    """Take the delay away, and cut or fill with silence to a length.

    Shape: (C, T') -> (C, num_samples)
    """
    shifted = decoded[:, delay:] if delay >= 0 else torch.nn.functional.pad(decoded, (-delay, 0))
    return torch.nn.functional.pad(shifted[:, :num_samples], (0, max(0, num_samples - shifted.shape[1])))


def _envelope(wave: Tensor, hop: int) -> Tensor:
    """Shape: (T,) -> (bands, N)"""
    n_fft = 16 * hop
    spectrum = torch.stft(wave, n_fft, hop, window=torch.hann_window(n_fft), return_complex=True).abs()
    bands = torch.stack([band.square().mean(0) for band in spectrum[1:].chunk(16)])
    levels = (bands + 1e-7).log()
    return levels - levels.mean(1, keepdim=True)


def _best_lag(pairs: Sequence[tuple[Tensor, ...]], lowest: int, highest: int) -> tuple[int, float]:
    """The lag of the second behind the first with the highest normalised correlation, and that correlation."""
    total = torch.zeros(highest - lowest + 1)
    energy = torch.zeros(2)
    for first, second in pairs:
        length = first.shape[1] + second.shape[1] + max(abs(lowest), abs(highest))
        product = torch.fft.rfft(first, length).conj() * torch.fft.rfft(second, length)
        correlation = torch.fft.irfft(product, length).sum(0)
        total += correlation[torch.arange(lowest, highest + 1) % length]
        energy += torch.stack([first.square().sum(), second.square().sum()])
    best = int(total.argmax())
    return lowest + best, float(total[best] / energy.prod().sqrt().clamp(min=1e-12))
