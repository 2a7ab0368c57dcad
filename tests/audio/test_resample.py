"""Resampling in pieces equals torchaudio's of the whole, whatever the pieces."""

import pytest
import torch
import torchaudio.functional
from hypothesis import given, settings
from hypothesis import strategies as st

from audiovq.audio.resample import Resampler, resample
from audiovq.units import resampled_length

RATES = [(44100, 16000), (48000, 16000), (11025, 16000), (8000, 16000), (16000, 44100), (22050, 16000), (16000, 16000)]
NO_COMMON_DIVISOR = [(1013, 997), (997, 1013)]


def pieces(wave: torch.Tensor, sizes: list[int], from_rate: int, to_rate: int) -> torch.Tensor:
    resampler = Resampler(from_rate, to_rate)
    results, position = [], 0
    for size in sizes:
        results.append(resampler.push(wave[:, position : position + size]))
        position += size
    results += [resampler.push(wave[:, position:]), resampler.flush()]
    return torch.cat(results, dim=1)


@pytest.mark.parametrize("from_rate, to_rate", RATES + NO_COMMON_DIVISOR)
@pytest.mark.parametrize("length", [1, 441, 5000, 100_003])
def test_equals_torchaudio(from_rate: int, to_rate: int, length: int) -> None:
    wave = torch.randn(2, length)
    # In double, since the filter banks that torchaudio makes for single precision are off by up to 3e-4.
    expected = torchaudio.functional.resample(wave.double(), from_rate, to_rate).float()
    result = resample(wave, from_rate, to_rate)
    assert result.shape == expected.shape == (2, resampled_length(length, from_rate, to_rate))
    torch.testing.assert_close(result, expected, atol=2e-6, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    rates=st.sampled_from(RATES),
    length=st.integers(1, 120_000),
    sizes=st.lists(st.integers(0, 60_000), max_size=5),
)
def test_pieces_do_not_matter(rates: tuple[int, int], length: int, sizes: list[int]) -> None:
    wave = torch.randn(1, length)
    assert torch.equal(pieces(wave, sizes, *rates), resample(wave, *rates))


def test_channels_do_not_mix() -> None:
    wave = torch.randn(2, 50_000)
    together = resample(wave, 44100, 16000)
    assert torch.equal(together[1:], resample(wave[1:], 44100, 16000))


def test_nothing_in_gives_nothing_out() -> None:
    resampler = Resampler(44100, 16000)
    assert resampler.flush().numel() == 0
    assert resampler.push(torch.zeros(2, 0)).shape == (2, 0)
    assert resampler.flush().shape == (2, 0)


def test_what_waits_is_bounded() -> None:
    resampler = Resampler(44100, 16000)
    num_out = sum(resampler.push(torch.zeros(1, 4410)).shape[1] for _ in range(300))
    assert 30 * 16000 - num_out < 20_000


@pytest.mark.parametrize("from_rate, to_rate", [(2**31 - 1, 16000), (1, 16000)])
def test_absurd_rates_are_refused(from_rate: int, to_rate: int) -> None:
    with pytest.raises(ValueError, match="header of the file damaged"):
        Resampler(from_rate, to_rate)


def test_a_resampler_can_be_used_again() -> None:
    wave = torch.randn(1, 10_000)
    resampler = Resampler(48000, 16000)
    first, second = (torch.cat([resampler.push(wave), resampler.flush()], dim=1) for _ in range(2))
    assert torch.equal(first, second)


def test_a_tone_keeps_its_pitch() -> None:
    seconds = torch.arange(44100) / 44100
    tone = torch.sin(2 * torch.pi * 440 * seconds)[None]
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16000) / 16000)[None]
    result = resample(tone, 44100, 16000)
    torch.testing.assert_close(result[:, 100:-100], expected[:, 100:-100], atol=2e-3, rtol=0)
