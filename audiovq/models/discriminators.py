"""Discriminators: networks that tell decoded sound, or decoded magnitudes, from real ones, in several views of them.

Every item of a batch is judged as it would be alone: each layer sees zeros beyond an item's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from audiovq.nn.modules import ModuleList
from audiovq.units import padded_samples

SLOPE = 0.1  # of the leaky rectifiers


@dataclass(kw_only=True)
class DiscriminatorsConfig:
    """Which views of the wave there are, and their sizes.

    Each view of ``periods`` folds the wave into rows of so many samples and strides by 3 from one entry of
    ``period_channels`` to the next; each of ``n_ffts`` reads complex spectra, a hop of a quarter window apart.
    Of magnitudes each view reads the bins between two of ``band_edges``, which are shares of all bins.
    """

    periods: list[int] = field(default_factory=lambda: [2, 3, 5, 7, 11])
    period_channels: list[int] = field(default_factory=lambda: [16, 32, 64, 128])
    n_ffts: list[int] = field(default_factory=lambda: [256, 512, 1024])
    stft_channels: int = 16
    band_edges: list[float] = field(default_factory=lambda: [0.0, 0.25, 0.5, 1.0])
    band_channels: int = 16

    def __post_init__(self) -> None:
        edges = self.band_edges
        if len(edges) < 2 or edges[0] < 0 or edges[-1] > 1 or any(a >= b for a, b in pairwise(edges)):
            raise ValueError(f"band_edges are {edges}, expected two or more that rise from 0 or more to at most 1")


@dataclass
class Judgement:
    """What one view says of a batch.

    Shapes: score (B, 1, N, H), features [(B, C_i, N_i, H_i), ...]; score_frames (B,) and feature_frames [(B,), ...]
    count the frames N of each item that are its own.
    """

    score: Tensor
    score_frames: Tensor
    features: list[Tensor]
    feature_frames: list[Tensor]


class View(nn.Module):
    """Convolutions over a picture of the sound whose frames run along the third axis."""

    def __init__(self, layers: list[nn.Conv2d]) -> None:
        super().__init__()
        self.layers = ModuleList[nn.Conv2d](weight_norm(layer) for layer in layers)

    def picture(self, sound: Tensor) -> Tensor:
        """Shape: a wave (B, 1, T), or magnitudes (B, F, T) -> (B, C, N, H)."""
        raise NotImplementedError

    def num_frames(self, lengths: Tensor) -> Tensor:
        """Frames of the picture that each item has, by its length on the last axis of the sound. Shape: (B,) int."""
        raise NotImplementedError

    def forward(self, sound: Tensor, lengths: Tensor) -> Judgement:
        frames = self.num_frames(lengths)
        x = _without_padding(self.picture(sound), frames)
        features, feature_frames = [], []
        for layer in list(self.layers)[:-1]:
            frames = -(-frames // layer.stride[0])
            x = _without_padding(F.leaky_relu(layer(x), SLOPE), frames)
            features.append(x)
            feature_frames.append(frames)
        return Judgement(self.layers[-1](x), frames, features, feature_frames)


class PeriodView(View):
    """Every p-th sample beside each other.

    Source: Kong et al. 2020, HiFi-GAN, section 2.3, with fewer channels.
    """

    def __init__(self, period: int, channels: list[int]) -> None:
        layers = [
            nn.Conv2d(before, after, (5, 1), stride=(3, 1), padding=(2, 0))
            for before, after in zip([1, *channels[:-1]], channels, strict=True)
        ]
        layers.append(nn.Conv2d(channels[-1], channels[-1], (5, 1), padding=(2, 0)))
        layers.append(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))
        super().__init__(layers)
        self.period = period

    def picture(self, sound: Tensor) -> Tensor:
        missing = padded_samples(sound.shape[-1], self.period) - sound.shape[-1]
        return F.pad(sound, (0, missing)).unflatten(-1, (-1, self.period))

    def num_frames(self, lengths: Tensor) -> Tensor:
        return -(-lengths // self.period)


class STFTView(View):
    """Real and imaginary parts of a short-time spectrum; frame n is centred on sample n * hop + hop / 2.

    Source: Défossez et al. 2022, High Fidelity Neural Audio Compression, section 3.4, with fewer channels and a first
    layer that strides too.
    """

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        super().__init__(_spectral_layers(2, channels))
        self.n_fft, self.hop_length = n_fft, n_fft // 4
        # Divided by its norm, so that the spectrum of noise is as large as the noise.
        window = torch.hann_window(n_fft)
        self.register_buffer("window", window / window.norm(), persistent=False)

    def picture(self, sound: Tensor) -> Tensor:
        with torch.autocast(sound.device.type, enabled=False):
            missing = padded_samples(sound.shape[-1], self.hop_length) - sound.shape[-1]
            margin = (self.n_fft - self.hop_length) // 2
            padded = F.pad(sound[:, 0].float(), (margin, margin + missing))
            spectrum = torch.stft(
                padded, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True
            )
            return torch.view_as_real(spectrum).permute(0, 3, 2, 1).contiguous()

    def num_frames(self, lengths: Tensor) -> Tensor:
        return -(-lengths // self.hop_length)


class BandView(View):
    """The magnitudes of some bins, in frames as they come.

    Source: Kumar et al. 2023, High-Fidelity Audio Compression with Improved RVQGAN, section 3.4, of magnitudes alone.
    """

    def __init__(self, low: float, high: float, channels: int) -> None:
        super().__init__(_spectral_layers(1, channels))
        self.low, self.high = low, high

    def picture(self, sound: Tensor) -> Tensor:
        num_bins = sound.shape[1]
        return sound[:, round(self.low * num_bins) : round(self.high * num_bins)].transpose(1, 2)[:, None]

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths


def _spectral_layers(in_channels: int, channels: int) -> list[nn.Conv2d]:
    """Of a picture with bins along its last axis, which they halve four times."""
    layers = [
        nn.Conv2d(before, channels, (3, 9), stride=(1, 2), padding=(dilation, 4), dilation=(dilation, 1))
        for before, dilation in ((in_channels, 1), (channels, 1), (channels, 2), (channels, 4))
    ]
    layers.append(nn.Conv2d(channels, channels, 3, padding=1))
    layers.append(nn.Conv2d(channels, 1, 3, padding=1))
    return layers


class Discriminators(nn.Module):
    """Several views; each judges by itself.

    lengths: how much of each item is valid, at its beginning.

    Shape: a wave (B, 1, T) or magnitudes (B, F, T), lengths (B,) int -> one judgement of each view.
    """

    def __init__(self, views: Sequence[View]) -> None:
        super().__init__()
        self.views = ModuleList[View](views)

    def forward(self, sound: Tensor, lengths: Tensor) -> list[Judgement]:
        beyond = torch.arange(sound.shape[-1], device=sound.device) >= lengths[:, None, None]
        sound = sound.masked_fill(beyond, 0.0)
        return [view(sound, lengths) for view in self.views]


def wave_discriminators(config: DiscriminatorsConfig) -> Discriminators:
    """Those that judge waveforms."""
    views: list[View] = [PeriodView(period, list(config.period_channels)) for period in config.periods]
    views += [STFTView(n_fft, config.stft_channels) for n_fft in config.n_ffts]
    if not views:
        raise ValueError("periods and n_ffts are both empty, expected at least one view of the wave")
    return Discriminators(views)


def magnitude_discriminators(config: DiscriminatorsConfig) -> Discriminators:
    """Those that judge compressed magnitudes."""
    return Discriminators([BandView(low, high, config.band_channels) for low, high in pairwise(config.band_edges)])


def _without_padding(x: Tensor, frames: Tensor) -> Tensor:
    """x with zeros beyond each item's own frames. Shape: (B, C, N, H), frames (B,)."""
    own = torch.arange(x.shape[2], device=x.device) < frames[:, None]
    return x * own[:, None, :, None].to(x.dtype)
