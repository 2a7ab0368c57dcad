"""Log-mel spectrograms: the picture of sound that the mel front-end, the losses and the scores share."""

from dataclasses import dataclass

import torch
import torchaudio.functional
from torch import Tensor, nn

from audiovq.units import padded_samples


@dataclass(kw_only=True)
class LogMelConfig:
    """Geometry of a log-mel spectrogram; `floor` is the smallest mel magnitude, below which the log is flat."""

    sample_rate: int = 16000
    n_fft: int = 640
    hop_length: int = 160
    num_mels: int = 80
    fmin: float = 0.0
    fmax: float = 8000.0
    floor: float = 1e-5

    def __post_init__(self) -> None:
        if self.hop_length < 1 or self.n_fft < self.hop_length or (self.n_fft - self.hop_length) % 2:
            raise ValueError(
                f"n_fft - hop_length must be even and not negative so that a window centres on its hop, "
                f"got n_fft={self.n_fft}, hop_length={self.hop_length}"
            )
        if not 0 <= self.fmin < self.fmax <= self.sample_rate / 2:
            raise ValueError(
                f"expected 0 <= fmin < fmax <= sample_rate / 2 = {self.sample_rate / 2}, "
                f"got fmin={self.fmin}, fmax={self.fmax}"
            )
        if self.floor <= 0:
            raise ValueError(f"floor must be positive, since it is inside a logarithm, got {self.floor}")

    @property
    def margin_samples(self) -> int:
        """Samples that a window reaches beyond its own hop on either side."""
        return (self.n_fft - self.hop_length) // 2

    @property
    def receptive_samples(self) -> int:
        """Samples that one frame depends on."""
        return self.n_fft


def mel_filters(config: LogMelConfig) -> Tensor:
    """Matrix from linear magnitudes to mel magnitudes (Slaney scale, unit-area triangles).

    Shape: (M, n_fft // 2 + 1)
    """
    filters: Tensor = torchaudio.functional.melscale_fbanks(
        n_freqs=config.n_fft // 2 + 1,
        f_min=config.fmin,
        f_max=config.fmax,
        n_mels=config.num_mels,
        sample_rate=config.sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    return filters.T.contiguous()


class LogMel(nn.Module):
    """Natural logarithm of mel magnitudes; frame n is centred on sample n * hop + hop / 2, silence surrounds the wave.

    Shape: (B, 1, T) -> (B, M, N) with N = ceil(T / hop)
    """

    window: Tensor
    filters: Tensor

    def __init__(self, config: LogMelConfig) -> None:
        super().__init__()
        self.config = config
        # Both follow from the configuration, so checkpoints need not carry them.
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.register_buffer("filters", mel_filters(config), persistent=False)

    @property
    def receptive_samples(self) -> int:
        """Samples that one frame depends on."""
        return self.config.receptive_samples

    def forward(self, wave: Tensor) -> Tensor:
        """Compute the spectrogram."""
        if wave.ndim != 3 or wave.shape[1] != 1 or wave.shape[2] < 1:
            raise ValueError(f"expected a wave of shape (B, 1, T) with T >= 1, got {tuple(wave.shape)}")
        num_samples = wave.shape[2]
        missing = padded_samples(num_samples, self.config.hop_length) - num_samples
        margin = self.config.margin_samples
        padded = nn.functional.pad(wave.squeeze(1), (margin, margin + missing))
        spectrum = torch.stft(
            padded,
            self.config.n_fft,
            self.config.hop_length,
            window=self.window,
            center=False,
            return_complex=True,
        )
        mel: Tensor = self.filters @ spectrum.abs()
        return mel.clamp(min=self.config.floor).log()
