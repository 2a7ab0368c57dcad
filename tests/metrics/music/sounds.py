"""Music whose tempo and key follow from how it is made."""

import math

import torch
from torch import Tensor

RATE = 16_000
C, F, G = (60, 64, 67), (65, 69, 72), (67, 71, 74)
AM, DM, E = (57, 60, 64), (62, 65, 69), (64, 68, 71)


def chord(notes: tuple[int, ...], seconds: float = 1.0) -> Tensor:
    """MIDI notes of three partials each, which die away. Shape: -> (T,)"""
    time = torch.arange(round(seconds * RATE)) / RATE
    waves = [
        torch.sin(2 * math.pi * 440 * 2 ** ((note - 69) / 12) * partial * time) / partial
        for note in notes
        for partial in (1, 2, 3)
    ]
    return 0.05 * torch.stack(waves).sum(0) * torch.exp(-2 * time)


def progression(*chords: tuple[int, ...], times: int = 1) -> Tensor:
    return torch.cat([chord(notes) for notes in chords] * times)


def clicks(bpm: float, seconds: float) -> Tensor:
    """A short burst of noise at every beat. Shape: -> (T,)"""
    wave = torch.zeros(round(seconds * RATE))
    burst = 0.5 * torch.randn(100, generator=torch.Generator().manual_seed(0))
    for beat in range(int(seconds * bpm / 60)):
        start = round(beat * 60 / bpm * RATE)
        wave[start : start + 100] = burst[: len(wave) - start]
    return wave
