"""Degraded items against what physics says, and the same item always degraded alike."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lhotse.cut import Cut
from torch import Tensor

from audiovq.data.degrade import (
    AugmentConfig,
    add_noise,
    add_room,
    coloured_noise,
    degrade,
    limit_band,
    room,
    shift_pitch,
)
from audiovq.data.loader import load, read_cuts
from tests.recipes.tiny_run import noise_cuts

RATE = 16000
EVERYTHING = AugmentConfig(pitch_share=1, room_share=1, noise_share=1, band_share=1)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def sine(hertz: float, num_samples: int = RATE) -> Tensor:
    return 0.3 * torch.sin(2 * math.pi * hertz * torch.arange(num_samples) / RATE)[None]


def loudest_hertz(wave: Tensor) -> float:
    return float(torch.fft.rfft(wave[0]).abs().argmax()) * RATE / wave.shape[1]


def power_db(wave: Tensor) -> float:
    return float(10 * wave.double().square().mean().log10())


@pytest.mark.parametrize("num, den", [(8, 7), (15, 16)])
def test_pitch_moves_and_tempo_stays(num: int, den: int) -> None:
    wave = sine(700)
    wave[:, : RATE // 2] = 0  # begins in the middle
    shifted = shift_pitch(wave, num, den)
    assert shifted.shape == wave.shape
    assert loudest_hertz(shifted[:, RATE // 2 :]) == pytest.approx(700 * num / den, abs=3)
    assert power_db(shifted[:, : RATE // 2 - 1000]) < power_db(shifted[:, RATE // 2 + 1000 :]) - 30
    assert power_db(shifted[:, RATE // 2 + 1000 : -1000]) == pytest.approx(power_db(sine(700)), abs=1.5)


def test_short_items_can_be_shifted() -> None:
    assert shift_pitch(sine(700, 5), 7, 8).shape == (1, 5)


def test_echoes_lose_60_db_and_stay_below_the_direct_sound() -> None:
    response = room(0.5, 6.0, RATE, generator())
    assert response.shape == (RATE // 2,) and response[0] == 1
    assert power_db(response[1:]) + 10 * math.log10(len(response) - 1) == pytest.approx(-6.0, abs=0.01)
    first, last = response[1:801], response[-800:]
    assert power_db(first) - power_db(last) == pytest.approx(60 * (1 - 800 / 8000), abs=2)


def test_a_room_repeats_what_was_said_at_the_same_loudness() -> None:
    click = torch.zeros(1, 100)
    click[0, 10] = 0.5
    response = torch.tensor([1.0, 0.0, 0.5])
    echoed = add_room(click, response)
    assert echoed[0, 12] / echoed[0, 10] == pytest.approx(0.5, abs=1e-4)
    assert echoed.shape == click.shape and power_db(echoed) == pytest.approx(power_db(click), abs=1e-3)
    assert echoed[0, :10].abs().max() < 1e-5


def test_noise_has_its_distance_and_its_colour() -> None:
    wave, noise = sine(500), coloured_noise(1 << 16, 1.0, generator())
    assert power_db(wave) - power_db(add_noise(wave, noise[:, :RATE], 20.0) - wave) == pytest.approx(20, abs=0.5)
    power = torch.fft.rfft(noise[0]).abs().square()
    # Of pink noise every octave has the same power.
    assert float(power[2048:4096].sum() / power[8192:16384].sum()) == pytest.approx(1, abs=0.1)


def test_the_band_ends_where_it_is_said_to() -> None:
    assert torch.allclose(limit_band(sine(1000), 4000, RATE)[:, 500:-500], sine(1000)[:, 500:-500], atol=1e-3)
    assert power_db(limit_band(sine(5000), 4000, RATE)[:, 500:-500]) < power_db(sine(5000)) - 50


def test_an_item_is_always_degraded_alike_and_others_otherwise() -> None:
    wave = sine(300) + sine(2100)
    first = degrade(wave, RATE, 7, EVERYTHING)
    assert torch.equal(first, degrade(wave, RATE, 7, EVERYTHING))
    assert not torch.equal(first, degrade(wave, RATE, 8, EVERYTHING))
    assert first.shape == wave.shape and first.abs().max() <= 0.9901


def test_nothing_is_done_unless_asked_for_or_to_silence() -> None:
    wave = sine(300)
    assert degrade(wave, RATE, 7, AugmentConfig()) is wave
    silence = torch.zeros(1, 99)
    assert torch.equal(degrade(silence, RATE, 7, EVERYTHING), silence)


def test_shares_are_kept_and_do_not_touch_one_another() -> None:
    wave = sine(5000, 800)
    half = [degrade(wave, RATE, seed, AugmentConfig(band_share=0.5)) for seed in range(400)]
    alone = [degrade(wave, RATE, seed, AugmentConfig(band_share=1.0)) for seed in range(400)]
    changed = [seed for seed, item in enumerate(half) if item is not wave]
    assert 160 < len(changed) < 240
    assert all(torch.equal(half[seed], alone[seed]) for seed in changed)


def test_batches_and_processes_do_not_matter(tmp_path: Path) -> None:
    cuts = list(read_cuts(Path(noise_cuts(tmp_path, 4)), 4.0))

    def heard(batches: list[list[Cut]], num_workers: int) -> dict[str, Tensor]:
        loaded = load(batches, 16, num_workers, seed=1, epoch=2, augment=EVERYTHING)
        return {
            cut.id: wave[0, : 16 * int(frames)]
            for cuts_of_batch, batch in zip(batches, loaded, strict=True)
            for cut, wave, frames in zip(cuts_of_batch, batch.wave, batch.num_frames, strict=True)
        }

    alone, together = heard([[cut] for cut in reversed(cuts)], 0), heard([cuts[:3], cuts[3:]], 1)
    assert alone.keys() == together.keys()
    assert all(torch.equal(alone[name], together[name]) for name in alone)
    clean = next(iter(load([cuts], 16))).wave
    assert not torch.allclose(clean[0, 0, : len(alone[cuts[0].id])], alone[cuts[0].id], atol=1e-3)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"room_share": 1.5}, "room_share is 1.5, expected 0 to 1"),
        ({"noise_snr_db": [30.0, 10.0]}, "expected the lowest and the highest"),
        ({"band_limit_hz": [0.0, 10.0]}, "above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**settings)
