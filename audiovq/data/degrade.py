"""Items as other voices, rooms, microphones and lines would give them, each drawn from the item's own seed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torchaudio.functional import phase_vocoder

from audiovq.audio.resample import resample

# About two semitones and one, down and up; small whole numbers keep the resampler's filters short.
PITCH_RATIOS = ((8, 7), (16, 15), (15, 16), (7, 8))
_PEAK = 0.99


@dataclass(kw_only=True)
class AugmentConfig:
    """Shares of the items to which each is done, and how strong it is; what comes out is heard and reproduced."""

    pitch_share: float = 0.0  # voice and formants moved by up to 8/7, at the same tempo
    room_share: float = 0.0
    room_decay_seconds: list[float] = field(default_factory=lambda: [0.1, 0.7])  # time in which echoes lose 60 dB
    room_direct_db: list[float] = field(default_factory=lambda: [0.0, 15.0])  # direct sound above all echoes
    noise_share: float = 0.0
    noise_snr_db: list[float] = field(default_factory=lambda: [10.0, 35.0])
    band_share: float = 0.0
    band_limit_hz: list[float] = field(default_factory=lambda: [2500.0, 7000.0])

    def __post_init__(self) -> None:
        for name in ("pitch_share", "room_share", "noise_share", "band_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        for name in ("room_decay_seconds", "room_direct_db", "noise_snr_db", "band_limit_hz"):
            low_high = getattr(self, name)
            if len(low_high) != 2 or low_high[0] > low_high[1]:
                raise ValueError(f"{name} is {low_high}, expected the lowest and the highest value")
        if min(self.room_decay_seconds[0], self.band_limit_hz[0]) <= 0:
            raise ValueError("expected room_decay_seconds and band_limit_hz above 0")


def degrade(wave: Tensor, sample_rate: int, seed: int, config: AugmentConfig) -> Tensor:
    """What is drawn for an item of this seed, in the order in which it happens to sound. Shape: (1, T) -> (1, T)."""
    draw = random.Random(f"{seed} augment")
    # Every number is drawn for every item: one share changes nothing about what else an item gets.
    does = {name: draw.random() < getattr(config, f"{name}_share") for name in ("pitch", "room", "noise", "band")}
    ratio = draw.choice(PITCH_RATIOS)
    decay_seconds, direct_db = draw.uniform(*config.room_decay_seconds), draw.uniform(*config.room_direct_db)
    snr_db, slope = draw.uniform(*config.noise_snr_db), draw.uniform(0, 2)
    limit_hz = draw.uniform(*config.band_limit_hz)
    generator = torch.Generator().manual_seed(draw.getrandbits(62))
    if not any(does.values()) or not wave.any():
        return wave
    if does["pitch"]:
        wave = shift_pitch(wave, *ratio)
    if does["room"]:
        wave = add_room(wave, room(decay_seconds, direct_db, sample_rate, generator))
    if does["noise"]:
        wave = add_noise(wave, coloured_noise(wave.shape[1], slope, generator), snr_db)
    if does["band"]:
        wave = limit_band(wave, limit_hz, sample_rate)
    return wave * min(1.0, _PEAK / float(wave.abs().max()))


def shift_pitch(wave: Tensor, num: int, den: int) -> Tensor:
    """Multiply all frequencies by num / den and keep the tempo. Shape: (1, T) -> (1, T).

    Source: Laroche and Dolson 1999, Improved phase vocoder time-scale modification of audio, section 2.
    """
    n_fft, hop = 1024, 256
    length = wave.shape[1]
    window = torch.hann_window(n_fft)
    padded = torch.nn.functional.pad(wave, (0, n_fft))  # so that reflections and the stretched end fit
    spectrum = torch.stft(padded, n_fft, hop, window=window, return_complex=True)
    advance = 2 * math.pi * hop * torch.arange(n_fft // 2 + 1)[:, None] / n_fft
    stretched = torch.istft(phase_vocoder(spectrum, den / num, advance), n_fft, hop, window=window)
    shifted = resample(stretched, num, den)[:, :length]
    return torch.nn.functional.pad(shifted, (0, length - shifted.shape[1]))


def room(decay_seconds: float, direct_db: float, sample_rate: int, generator: torch.Generator) -> Tensor:
    """An impulse response: the direct sound, then noise that decays by 60 dB in ``decay_seconds``. Shape: -> (n,).

    Source: Polack 1988, La transmission de l'énergie sonore dans les salles: late echoes as decaying Gaussian noise.
    """
    num_samples = max(2, round(decay_seconds * sample_rate))
    envelope = 10 ** (-3 * torch.arange(num_samples) / num_samples)
    response = envelope * torch.randn(num_samples, generator=generator)
    response[0] = 0
    response /= response.square().sum().sqrt() * 10 ** (direct_db / 20)
    response[0] = 1
    return response


def add_room(wave: Tensor, response: Tensor) -> Tensor:
    """Convolve, and keep loudness and length. Shape: (1, T), (n,) -> (1, T)."""
    size = wave.shape[1] + len(response) - 1
    echoed = torch.fft.irfft(torch.fft.rfft(wave, size) * torch.fft.rfft(response, size), size)[:, : wave.shape[1]]
    return echoed * (wave.square().mean() / echoed.square().mean().clamp(min=1e-12)).sqrt()


def coloured_noise(num_samples: int, slope: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise whose power falls as frequency to the power of -slope: white 0, pink 1, brown 2. Shape: (1, T)."""
    spectrum = torch.fft.rfft(torch.randn(1, num_samples, generator=generator))
    bins = torch.arange(spectrum.shape[1]).clamp(min=1)
    noise = torch.fft.irfft(spectrum * bins ** (-slope / 2), num_samples)
    return noise / noise.square().mean().sqrt().clamp(min=1e-12)


def add_noise(wave: Tensor, noise: Tensor, snr_db: float) -> Tensor:
    """Shape: (1, T), noise (1, T) of unit power -> (1, T)."""
    return wave + noise * wave.square().mean().sqrt() * 10 ** (-snr_db / 20)


def limit_band(wave: Tensor, limit_hz: float, sample_rate: int) -> Tensor:
    """Let nothing pass above ``limit_hz``; the slope is a half cosine from nine tenths of it on. Shape: (1, T)."""
    size = wave.shape[1] + 512  # what the filter rings beyond the end must not come in at the beginning
    frequency = torch.fft.rfftfreq(size, 1 / sample_rate)
    place = ((frequency / limit_hz - 0.9) / 0.1).clamp(0, 1)
    gain = 0.5 * (1 + torch.cos(math.pi * place))
    return torch.fft.irfft(torch.fft.rfft(wave, size) * gain, size)[:, : wave.shape[1]]
