"""Channels: what a network codes of a recording's, and what it makes of two of them at once."""

from __future__ import annotations

import torch
from torch import Tensor

from audiovq.audio.mel import LogMel


def split(wave: Tensor, stereo: str) -> Tensor:
    """The waves that each set of codes stands for: n sets of c channels; a joint model hears mono on both sides.

    Shape: (..., C, T) -> (..., n, c, T)
    Raises: ValueError for more channels than a stereo model can code.
    """
    num_channels = wave.shape[-2]
    if stereo == "separate":
        return wave.unsqueeze(-2)
    if num_channels > 2:
        raise ValueError(f"this model codes one or two channels, got {num_channels}: mix them down first")
    if stereo == "joint":
        return wave.expand(*wave.shape[:-2], 2, wave.shape[-1]).unsqueeze(-3)
    if num_channels == 1:
        return wave.unsqueeze(-2)
    left, right = wave.unbind(-2)
    return torch.stack([(left + right) / 2, (left - right) / 2], dim=-2).unsqueeze(-2)


def join(waves: Tensor, stereo: str) -> Tensor:
    """The channels of a recording of the waves that the sets of codes became.

    Shape: (n, T), or (1, 2, T) of a joint model -> (C, T)
    """
    if stereo == "joint":
        return waves[0]
    if stereo == "separate" or len(waves) == 1:
        return waves
    middle, side = waves
    return torch.stack([middle + side, middle - side])


def joint_mel(log_mel: LogMel, wave: Tensor) -> Tensor:
    """What a joint model codes: log-mels of left and right in nats, and how far the channels agree, band by band.

    Agreement is their correlation: 1 for the same sound, 0 for others, -1 for the same with its sign turned. Of silence
    it is 1.

    Shape: (B, 2, T) -> (B, 3 M, N)
    Source: Breebaart et al. 2005, Parametric Coding of Stereo Audio, section 2.
    """
    spectra = log_mel.spectrum(wave.flatten(0, 1).unsqueeze(1)).unflatten(0, wave.shape[:2])
    mels = log_mel.of_magnitudes(log_mel.magnitudes_of(spectra))
    left, right = spectra.unbind(1)
    products = torch.stack([*spectra.abs().square().unbind(1), (left * right.conj()).real])
    own_left, own_right, shared = (log_mel.filters @ products) + log_mel.config.floor**2
    agreement = (shared / (own_left * own_right).sqrt()).clamp(-1, 1)
    return torch.cat([mels.flatten(1, 2), agreement], dim=1)


def to_mean_and_difference(mels: Tensor, mean: float, scale: float) -> Tensor:
    """A joint log-mel in network units: what both channels share, and where they differ; of mono nothing does.

    Shape: (B, 3 M, N)
    """
    left, right, agreement = mels.chunk(3, dim=1)
    return torch.cat([((left + right) / 2 - mean) / scale, (left - right) / 2 / scale, agreement - 1], dim=1)


def from_mean_and_difference(output: Tensor, mean: float, scale: float) -> Tensor:
    """Undoes ``to_mean_and_difference``. Shape: (B, 3 M, N)."""
    middle, half, agreement = output.chunk(3, dim=1)
    middle, half = middle * scale + mean, half * scale
    return torch.cat([middle + half, middle - half, agreement + 1], dim=1)


def joint_loudness(mel: Tensor) -> Tensor:
    """How loud each cell of a joint log-mel is, in nats; where channels agree or not, as loud as the louder of them.

    Shape: (B, 3 M, N), as ``joint_mel`` gives it.
    """
    left, right, _ = mel.chunk(3, dim=1)
    return torch.cat([left, right, torch.maximum(left, right)], dim=1)
