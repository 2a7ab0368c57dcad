"""Spectrograms: a picture that others can read, one colour scale, and tones where they belong."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from torch import Tensor

from audiovq.report.pictures import LOWEST_DB, MAX_COLUMNS, MAX_ROWS, decibels, palette, png, spectrogram_pngs


def levels(picture: bytes) -> np.ndarray:
    """The index of every sample's colour."""
    colours = np.frombuffer(palette(), dtype=np.uint8).reshape(-1, 3)
    samples = (imread(io.BytesIO(picture))[..., :3] * 255).round().astype(np.uint8)
    return np.abs(samples[:, :, None].astype(int) - colours).sum(-1).argmin(-1)


def tone(hertz: float, sample_rate: int, seconds: float = 1.0, gain: float = 0.5) -> Tensor:
    return gain * torch.sin(2 * torch.pi * hertz * torch.arange(round(seconds * sample_rate)) / sample_rate)


def test_other_readers_see_the_same_picture() -> None:
    indices = np.random.default_rng(0).integers(0, 64, (7, 5)).astype(np.uint8)
    assert np.array_equal(levels(png(indices, palette())), indices)


def test_colours_get_lighter_all_the_way() -> None:
    light = np.frombuffer(palette(), dtype=np.uint8).reshape(-1, 3) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0).all()


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_a_tone_is_a_line_at_its_frequency(sample_rate: int) -> None:
    spectrum = decibels(tone(2000, sample_rate), sample_rate)
    assert spectrum.shape[0] * 50 == pytest.approx(sample_rate / 2, abs=50)
    assert spectrum.shape[1] == pytest.approx(200, abs=3)
    assert (spectrum[:, 50:150].argmax(0) == 40).all()


def test_all_pictures_share_one_scale_and_one_size() -> None:
    loud = decibels(tone(1000, 16000), 16000)
    quiet = decibels(tone(1000, 8000, seconds=0.5, gain=0.05), 8000)  # 20 dB below, half as long, half as high
    first, second = map(levels, spectrogram_pngs([loud, quiet]))
    assert first.shape == second.shape == (MAX_ROWS, loud.shape[1])
    assert first.max() == pytest.approx(63, abs=8)
    difference = (int(first.max()) - int(second.max())) / 63 * -LOWEST_DB
    assert difference == pytest.approx(20 + 6, abs=3)  # half the window holds half the sum
    assert (second[:60] == 0).all() and (second[:, -90:] == 0).all()
    assert first[: MAX_ROWS // 2].mean() < first[MAX_ROWS // 2 :].mean()  # low frequencies are below


def test_long_sounds_make_no_larger_pictures_and_short_ones_some() -> None:
    noise = torch.randn(10 * 16000, generator=torch.Generator().manual_seed(0))
    (picture,) = spectrogram_pngs([decibels(noise, 16000)])
    assert levels(picture).shape == (MAX_ROWS, MAX_COLUMNS)
    (picture,) = spectrogram_pngs([decibels(torch.ones(1), 16000)])
    assert levels(picture).shape[1] >= 1
    (picture,) = spectrogram_pngs([decibels(torch.zeros(16000), 16000)])
    assert levels(picture).shape[0] == MAX_ROWS
