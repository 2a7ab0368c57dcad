"""Log-mel spectrograms: the picture of sound that the mel front-end, the vocoders, the losses and the scores share."""

from dataclasses import dataclass, fields

import torch
import torchaudio.functional
from torch import Tensor, nn

from audiovq.units import padded_samples

PADDINGS = ("silence", "reflect", "reflect_center")
FILTER_SCALES = ("slaney", "htk")
FILTER_NORMS = ("slaney", "none")


@dataclass(kw_only=True)
class LogMelConfig:
    """Geometry and conventions of a log-mel spectrogram; audiovq.audio.mel_presets has those of other toolkits.

    floor: the smallest mel magnitude, below which the log is flat.
    padding: what surrounds the wave, and where frames lie: "silence" and "reflect" (the wave mirrored) centre frame n
    on sample n * hop + hop / 2 and give ceil(T / hop) and floor(T / hop) frames; "reflect_center" centres it on sample
    n * hop and gives floor(T / hop) + 1.
    filter_norm: "slaney" (triangles of unit area) or "none" (of unit height).
    power_offset: added to |X|^2 before its square root is taken.
    """

    sample_rate: int = 16000
    n_fft: int = 640
    hop_length: int = 160
    num_mels: int = 80
    fmin: float = 0.0
    fmax: float = 8000.0
    floor: float = 1e-5
    padding: str = "silence"
    filter_scale: str = "slaney"
    filter_norm: str = "slaney"
    power_offset: float = 0.0

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
        if self.power_offset < 0:
            raise ValueError(f"power_offset must not be negative, since a root is taken, got {self.power_offset}")
        for name, value, allowed in (
            ("padding", self.padding, PADDINGS),
            ("filter_scale", self.filter_scale, FILTER_SCALES),
            ("filter_norm", self.filter_norm, FILTER_NORMS),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")

    @property
    def margin_samples(self) -> int:
        """Samples that a window reaches beyond its own hop on either side."""
        return (self.n_fft - self.hop_length) // 2

    @property
    def receptive_samples(self) -> int:
        """Samples that one frame depends on."""
        return self.n_fft

    @property
    def is_streamable(self) -> bool:
        """Whether frames near the wave's ends can be computed without knowing where it ends."""
        return self.padding == "silence"


def differences(config: LogMelConfig, expected: LogMelConfig) -> list[str]:
    """One phrase for each field that differs, with both values."""
    return [
        f"{field.name} is {getattr(config, field.name)!r}, expected {getattr(expected, field.name)!r}"
        for field in fields(LogMelConfig)
        if getattr(config, field.name) != getattr(expected, field.name)
    ]


def mel_filters(config: LogMelConfig) -> Tensor:
    """Matrix from linear magnitudes to mel magnitudes.

    Shape: (M, n_fft // 2 + 1)
    """
    filters: Tensor = torchaudio.functional.melscale_fbanks(
        n_freqs=config.n_fft // 2 + 1,
        f_min=config.fmin,
        f_max=config.fmax,
        n_mels=config.num_mels,
        sample_rate=config.sample_rate,
        norm=None if config.filter_norm == "none" else config.filter_norm,
        mel_scale=config.filter_scale,
    )
    return filters.T.contiguous()


class LogMel(nn.Module):
    """Natural logarithm of mel magnitudes.

    Shape: (B, 1, T) -> (B, M, N); LogMelConfig.padding says what N is
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
        """Compute the spectrogram. Raises: ValueError for another shape, or a wave too short to be mirrored."""
        return self.of_magnitudes(self.magnitude(wave))

    def magnitude(self, wave: Tensor) -> Tensor:
        """The linear magnitudes below the mels. Shape: (B, 1, T) -> (B, F, N). Raises: as ``forward`` does."""
        return self.magnitudes_of(self.spectrum(wave))

    def of_magnitudes(self, magnitudes: Tensor) -> Tensor:
        """Log-mels of linear magnitudes. Shape: (..., F, N) -> (..., M, N)."""
        mel: Tensor = self.filters @ magnitudes
        return mel.clamp(min=self.config.floor).log()

    def magnitudes_of(self, spectrum: Tensor) -> Tensor:
        """Linear magnitudes of ``spectrum``'s values. Shape: as given."""
        offset = self.config.power_offset
        return (spectrum.real.square() + spectrum.imag.square() + offset).sqrt() if offset else spectrum.abs()

    def spectrum(self, wave: Tensor) -> Tensor:
        """Shape: (B, 1, T) -> (B, F, N) complex. Raises: as ``forward`` does."""
        if wave.ndim != 3 or wave.shape[1] != 1 or wave.shape[2] < 1:
            raise ValueError(f"expected a wave of shape (B, 1, T) with T >= 1, got {tuple(wave.shape)}")
        spectrum: Tensor = torch.stft(
            self._padded(wave),
            self.config.n_fft,
            self.config.hop_length,
            window=self.window,
            center=False,
            return_complex=True,
        )
        return spectrum

    def _padded(self, wave: Tensor) -> Tensor:
        """Shape: (B, 1, T) -> (B, T')."""
        num_samples, margin = wave.shape[2], self.config.margin_samples
        if self.config.padding == "silence":
            missing = padded_samples(num_samples, self.config.hop_length) - num_samples
            return nn.functional.pad(wave.squeeze(1), (margin, margin + missing))
        if self.config.padding == "reflect_center":
            margin = self.config.n_fft // 2
        # The second bound asks for one whole window.
        shortest = max(margin + 1, self.config.n_fft - 2 * margin)
        if num_samples < shortest:
            raise ValueError(
                f"padding {self.config.padding!r} mirrors {margin} samples at either end: "
                f"expected a wave of {shortest} samples or more, got {num_samples}"
            )
        return nn.functional.pad(wave, (margin, margin), mode="reflect").squeeze(1)
