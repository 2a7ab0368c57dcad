"""Delays that the tests put in."""

import pytest
import torch
from torch import Tensor

from recipes.benchmark.delay import align, delay_of, measure_delays
from recipes.benchmark.synthetic import speech_like

RATE = 16_000


def shifted(wave: Tensor, delay: int) -> Tensor:
    """Shape: (T,) -> (T,)"""
    return align(wave[None], -delay, len(wave))[0]


@pytest.fixture(scope="module")
def voices() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    voice = speech_like(3.0, RATE)[0]
    return [voice[start : start + RATE] + 0.02 * torch.randn(RATE, generator=generator) for start in (0, 9_000, 21_000)]


@pytest.mark.parametrize("delay", [0, 1, 94, 223, -37, 809])
def test_a_codec_that_keeps_the_waveform_is_found_to_the_sample(voices: list[Tensor], delay: int) -> None:
    assert measure_delays([(voice, 0.7 * shifted(voice, delay)) for voice in voices], RATE) == [delay]


@pytest.mark.parametrize("delay", [0, 240, 640])
def test_a_codec_that_makes_new_phases_is_found_to_a_millisecond(voices: list[Tensor], delay: int) -> None:
    def other_phases(voice: Tensor) -> Tensor:
        window = torch.hann_window(512)
        spectrum = torch.stft(voice, 512, 128, window=window, return_complex=True)
        phases = 2 * torch.pi * torch.rand(spectrum.shape, generator=torch.Generator().manual_seed(1))
        return torch.istft(torch.polar(spectrum.abs(), phases), 512, 128, window=window, length=len(voice))

    pairs = [(voice, shifted(other_phases(voice), delay)) for voice in voices]
    (found,) = measure_delays(pairs, RATE)
    assert abs(found - delay) <= 32
    if delay == 0:
        assert found == 0  # less than 2 ms is not told from none
    assert delay_of(*pairs[0], RATE, [found]) == found


def test_a_codec_with_two_delays_has_both_found_and_told_apart(voices: list[Tensor]) -> None:
    late = [222, 223, -1]
    pairs = [(voice, shifted(voice, delay)) for voice, delay in zip(voices, late, strict=True)]
    delays = measure_delays(pairs, RATE)
    assert sorted(delays) in ([-1, 222], [-1, 223])
    assert [delay_of(*pair, RATE, delays) for pair in pairs] == late


def test_a_delay_that_the_sample_did_not_have_is_believed_without_doubt(voices: list[Tensor]) -> None:
    assert delay_of(voices[0], shifted(voices[0], -1), RATE, [221]) == -1


def test_no_delay_but_a_known_one_is_believed() -> None:
    period = RATE // 125
    hum = torch.sin(2 * torch.pi * torch.arange(RATE) / period)
    assert abs(delay_of(hum, hum, RATE, [0])) < period / 2  # not the next period, which looks the same
    noise = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    assert delay_of(noise[0], noise[1], RATE, [640]) == 640


def test_aligned_waves_have_the_length_asked_for() -> None:
    wave = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert align(wave, 1, 3).tolist() == [[2, 3, 4]]
    assert align(wave, 2, 4).tolist() == [[3, 4, 0, 0]]
    assert align(wave, -1, 3).tolist() == [[0, 1, 2]]
    assert align(wave, 6, 2).tolist() == [[0, 0]]
