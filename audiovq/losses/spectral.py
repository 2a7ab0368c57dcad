"""Distances between waveforms in several time-frequency resolutions.

Every item of a batch is read as it would be alone, with silence around it: frame n of hop h is centred on sample
n * h + h / 2 and belongs to the item when its hop begins inside the item. The loss of a batch is the mean of its items'
losses weighted by their samples, and 0 without samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.units import padded_samples

FLOOR = 1e-5
QUIET = 1e-2  # magnitude of a bin in noise of about -60 dB: beside a target below it errors are not measured relatively


class MultiScaleMelLoss(nn.Module):
    """Mean over scales of the L1 distance of log-mels, in nats.

    num_samples: the valid samples of each item, at its beginning.

    Shape: two waveforms (B, 1, T), num_samples (B,) int -> scalar.
    Source: Kumar et al. 2023, High-Fidelity Audio Compression with Improved RVQGAN, section 3.4.
    """

    def __init__(self, sample_rate: int, n_ffts: tuple[int, ...] = (128, 256, 512, 1024, 2048)) -> None:
        super().__init__()
        self.hop_lengths = [n_fft // 4 for n_fft in n_ffts]
        self.scales = nn.ModuleList(
            LogMel(
                LogMelConfig(
                    sample_rate=sample_rate,
                    n_fft=n_fft,
                    hop_length=hop_length,
                    num_mels=max(5, n_fft // 16),
                    fmax=sample_rate / 2,
                    floor=FLOOR,
                )
            )
            for n_fft, hop_length in zip(n_ffts, self.hop_lengths, strict=True)
        )

    def forward(self, prediction: Tensor, target: Tensor, num_samples: Tensor) -> Tensor:
        with torch.autocast(target.device.type, enabled=False):
            a, b = (_silent_beyond(wave, num_samples) for wave in (prediction, target))
            distances = []
            for scale, hop_length in zip(self.scales, self.hop_lengths, strict=True):
                distance = (scale(a) - scale(b)).abs()
                distances.append(_item_means(distance, _frame_mask(distance, num_samples, hop_length)))
            return _mean_of_items(torch.stack(distances).mean(0), num_samples)


def multi_scale_stft_loss(
    prediction: Tensor, target: Tensor, num_samples: Tensor, n_ffts: tuple[int, ...] = (256, 512, 1024)
) -> Tensor:
    """Mean over scales of spectral convergence plus log-magnitude L1 distance.

    num_samples: the valid samples of each item, at its beginning.

    Shape: two waveforms (B, 1, T), num_samples (B,) int -> scalar.
    Source: Yamamoto et al. 2020, Parallel WaveGAN, equations 4 to 7; the bound of the convergence where the target is
    all but silent is our own.
    """
    with torch.autocast(target.device.type, enabled=False):
        waves = [_silent_beyond(wave, num_samples) for wave in (prediction, target)]
        distances = []
        for n_fft in n_ffts:
            a, b = (_magnitudes(wave, n_fft) for wave in waves)
            mask = _frame_mask(b, num_samples, n_fft // 4)
            distances.append(_convergence(a, b, mask) + _item_means((a.log() - b.log()).abs(), mask))
        return _mean_of_items(torch.stack(distances).mean(0), num_samples)


def _silent_beyond(wave: Tensor, num_samples: Tensor) -> Tensor:
    """The wave in float32, zero beyond the end of each item. Shape: (B, 1, T)."""
    beyond = torch.arange(wave.shape[-1], device=wave.device) >= num_samples[:, None, None]
    return wave.float().masked_fill(beyond, 0.0)


def _frame_mask(spectrogram: Tensor, num_samples: Tensor, hop_length: int) -> Tensor:
    """1 where a frame belongs to its item. Shape: (B, C, N) -> (B, 1, N) float32."""
    starts = torch.arange(spectrogram.shape[-1], device=spectrogram.device) * hop_length
    return (starts < num_samples[:, None, None]).float()


def _magnitudes(wave: Tensor, n_fft: int) -> Tensor:
    """Magnitudes in the frames of LogMel. Shape: (B, 1, T) -> (B, F, ceil(T / hop))."""
    hop_length = n_fft // 4
    missing = padded_samples(wave.shape[-1], hop_length) - wave.shape[-1]
    margin = (n_fft - hop_length) // 2
    padded = F.pad(wave[:, 0], (margin, margin + missing))
    window = torch.hann_window(n_fft, device=wave.device)
    spectrum = torch.stft(padded, n_fft, hop_length, window=window, center=False, return_complex=True)
    return spectrum.abs().clamp(min=FLOOR)


def _convergence(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """How large the error is beside the target, for each item. Shape: two (B, F, N), mask (B, 1, N) -> (B,)."""
    error, size = (torch.linalg.vector_norm(x * mask, dim=(1, 2)) for x in (a - b, b))
    num_bins = (mask.sum(dim=(1, 2)) * a.shape[1]).clamp(min=1)
    return error / size.maximum(QUIET * num_bins.sqrt())


def _item_means(x: Tensor, mask: Tensor) -> Tensor:
    """The mean of each item over its own frames. Shape: (B, C, N), mask (B, 1, N) -> (B,)."""
    return (x * mask).sum(dim=(1, 2)) / (mask.sum(dim=(1, 2)) * x.shape[1]).clamp(min=1)


def _mean_of_items(values: Tensor, num_samples: Tensor) -> Tensor:
    """The mean weighted by samples. Shape: two (B,) -> scalar."""
    return (values * num_samples).sum() / num_samples.sum().clamp(min=1)
