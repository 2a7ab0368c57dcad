"""Discriminators of waveforms: networks that tell decoded sound from real sound, in several views of it.

Every item of a batch is judged as it would be alone: each layer sees zeros beyond an item's end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """

    periods: list[int] = field(default_factory=lambda: [2, 3, 5, 7, 11])
    period_channels: list[int] = field(default_factory=lambda: [16, 32, 64, 128])
    n_ffts: list[int] = field(default_factory=lambda: [256, 512, 1024])
    stft_channels: int = 16


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
    """Convolutions over a picture of the wave whose frames run along the third axis."""

    def __init__(self, layers: list[nn.Conv2d]) -> None:
        super().__init__()
        self.layers = ModuleList[nn.Conv2d](weight_norm(layer) for layer in layers)

    def picture(self, wave: Tensor) -> Tensor:
        """Shape: (B, 1, T) -> (B, C, N, H)."""
        raise NotImplementedError

    def num_frames(self, num_samples: Tensor) -> Tensor:
        """Frames of the picture that each item has. Shape: (B,) int."""
        raise NotImplementedError

    def forward(self, wave: Tensor, num_samples: Tensor) -> Judgement:
        frames = self.num_frames(num_samples)
        x = _without_padding(self.picture(wave), frames)
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

    def picture(self, wave: Tensor) -> Tensor:
        missing = padded_samples(wave.shape[-1], self.period) - wave.shape[-1]
        return F.pad(wave, (0, missing)).unflatten(-1, (-1, self.period))

    def num_frames(self, num_samples: Tensor) -> Tensor:
        return -(-num_samples // self.period)


class STFTView(View):
    """Real and imaginary parts of a short-time spectrum; frame n is centred on sample n * hop + hop / 2.

    Source: Défossez et al. 2022, High Fidelity Neural Audio Compression, section 3.4, with fewer channels and a first
    layer that strides too.
    """

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        layers = [
            nn.Conv2d(before, channels, (3, 9), stride=(1, 2), padding=(dilation, 4), dilation=(dilation, 1))
            for before, dilation in ((2, 1), (channels, 1), (channels, 2), (channels, 4))
        ]
        layers.append(nn.Conv2d(channels, channels, 3, padding=1))
        layers.append(nn.Conv2d(channels, 1, 3, padding=1))
        super().__init__(layers)
        self.n_fft, self.hop_length = n_fft, n_fft // 4
        # Divided by its norm, so that the spectrum of noise is as large as the noise.
        window = torch.hann_window(n_fft)
        self.register_buffer("window", window / window.norm(), persistent=False)

    def picture(self, wave: Tensor) -> Tensor:
        with torch.autocast(wave.device.type, enabled=False):
            missing = padded_samples(wave.shape[-1], self.hop_length) - wave.shape[-1]
            margin = (self.n_fft - self.hop_length) // 2
            padded = F.pad(wave[:, 0].float(), (margin, margin + missing))
            spectrum = torch.stft(
                padded, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True
            )
            return torch.view_as_real(spectrum).permute(0, 3, 2, 1).contiguous()

    def num_frames(self, num_samples: Tensor) -> Tensor:
        return -(-num_samples // self.hop_length)


class Discriminators(nn.Module):
    """All views; each judges by itself.

    num_samples: the valid samples of each item, at its beginning.

    Shape: wave (B, 1, T), num_samples (B,) int -> one judgement of each view.
    """

    def __init__(self, config: DiscriminatorsConfig) -> None:
        super().__init__()
        self.config = config
        views: list[View] = [PeriodView(period, list(config.period_channels)) for period in config.periods]
        views += [STFTView(n_fft, config.stft_channels) for n_fft in config.n_ffts]
        if not views:
            raise ValueError("periods and n_ffts are both empty, expected at least one view of the wave")
        self.views = ModuleList[View](views)

    def forward(self, wave: Tensor, num_samples: Tensor) -> list[Judgement]:
        beyond = torch.arange(wave.shape[-1], device=wave.device) >= num_samples[:, None, None]
        wave = wave.masked_fill(beyond, 0.0)
        return [view(wave, num_samples) for view in self.views]


def _without_padding(x: Tensor, frames: Tensor) -> Tensor:
    """x with zeros beyond each item's own frames. Shape: (B, C, N, H), frames (B,)."""
    own = torch.arange(x.shape[2], device=x.device) < frames[:, None]
    return x * own[:, None, :, None].to(x.dtype)
