"""Jumps in level and spectrum whose size is known."""

import math

import pytest
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.seam import BAR_DB, seam, third_octaves
from tests.metrics.music.sounds import RATE


@pytest.fixture
def noise() -> Tensor:
    return 0.05 * torch.randn(8 * RATE, generator=torch.Generator().manual_seed(3))


def test_noise_that_goes_on_has_no_seam(noise: Tensor) -> None:
    found = seam(noise, RATE, 4.0)
    assert found.excess_db < 0.5 and found.level_db < 0.2


@pytest.mark.parametrize("gain_db", [6.0, -6.0])
def test_a_louder_continuation_is_found_where_it_is(noise: Tensor, gain_db: float) -> None:
    noise[4 * RATE :] *= 10 ** (gain_db / 20)
    found = seam(noise, RATE, 4.0)
    assert found.level_db == pytest.approx(6, abs=0.2)
    assert found.spectrum_db == pytest.approx(6, abs=0.4)
    assert found.excess_db > BAR_DB > seam(noise, RATE, 2.0).excess_db


def test_another_spectrum_of_the_same_level_is_found_too() -> None:
    time = torch.arange(4 * RATE) / RATE
    low, high = torch.sin(2 * math.pi * 300 * time), torch.sin(2 * math.pi * 3000 * time)
    found = seam(torch.cat([low, high]), RATE, 4.0)
    assert found.level_db < 0.1 and found.worst_db == found.spectrum_db > 30


def test_the_power_of_a_sine_is_in_its_band() -> None:
    bands = third_octaves(torch.sin(2 * math.pi * 1000 * torch.arange(RATE) / RATE).double(), RATE)
    assert bands[13] == pytest.approx(0.5, rel=1e-6) and bands.sum() == pytest.approx(0.5, rel=1e-6)
    assert len(bands) == 22  # 50 Hz to 6.3 kHz: the next, 8 kHz, ends above 8 kHz


@pytest.mark.parametrize("at", [0.2, 7.8])
def test_a_seam_needs_sound_on_both_sides(noise: Tensor, at: float) -> None:
    with pytest.raises(NotMeasurableError, match=r"0\.5 s on either side"):
        seam(noise, RATE, at)
