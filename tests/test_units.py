"""The arithmetic of samples, frames and rates."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiovq import units

lengths = st.integers(0, 10**12)
rates = st.integers(1, 400_000)


@given(lengths, rates)
def test_frames_cover_the_samples_and_not_one_more(num_samples: int, hop_length: int) -> None:
    frames = units.num_frames(num_samples, hop_length)
    assert (frames - 1) * hop_length < num_samples <= frames * hop_length
    assert units.padded_samples(num_samples, hop_length) == frames * hop_length


@given(lengths, st.integers(1, 500), st.integers(1, 500))
def test_padding_to_nested_hops_gives_nested_frame_counts(num_samples: int, fine: int, factor: int) -> None:
    padded = units.padded_samples(num_samples, fine * factor)
    assert units.num_frames(padded, fine) == factor * units.num_frames(padded, fine * factor)


@given(lengths, rates, rates)
def test_resampled_length_is_the_exact_duration_rounded_up(num_samples: int, from_rate: int, to_rate: int) -> None:
    length = units.resampled_length(num_samples, from_rate, to_rate)
    assert 0 <= length - Fraction(num_samples * to_rate, from_rate) < 1


@given(lengths, rates)
def test_equal_rates_keep_the_length(num_samples: int, rate: int) -> None:
    assert units.resampled_length(num_samples, rate, rate) == num_samples


@given(st.fractions(0, 10**6), rates)
def test_seconds_go_to_the_nearest_sample(seconds: Fraction, sample_rate: int) -> None:
    error = units.seconds_to_samples(seconds, sample_rate) - seconds * sample_rate
    assert -Fraction(1, 2) < error <= Fraction(1, 2)


@given(st.integers(0, 10**10), st.integers(1, 192_000))
def test_samples_to_seconds_and_back(num_samples: int, sample_rate: int) -> None:
    assert units.seconds_to_samples(units.samples_to_seconds(num_samples, sample_rate), sample_rate) == num_samples


@pytest.mark.parametrize(
    "num_samples, hop_length, frames", [(0, 320, 0), (1, 320, 1), (319, 320, 1), (320, 320, 1), (321, 320, 2)]
)
def test_num_frames(num_samples: int, hop_length: int, frames: int) -> None:
    assert units.num_frames(num_samples, hop_length) == frames


def test_frame_rates_are_never_rounded() -> None:
    assert units.frame_rate(16000, 1280) == Fraction(25, 2)
    assert units.frame_rate(22050, 256) == Fraction(11025, 128)


@pytest.mark.parametrize(
    "num_samples, from_rate, to_rate, expected",
    [
        (1, 44100, 16000, 1),
        (441, 44100, 16000, 160),
        (442, 44100, 16000, 161),
        (3, 8000, 16000, 6),
        (0, 8000, 16000, 0),
    ],
)
def test_resampled_length(num_samples: int, from_rate: int, to_rate: int, expected: int) -> None:
    assert units.resampled_length(num_samples, from_rate, to_rate) == expected


def test_halves_of_a_sample_go_up() -> None:
    assert [units.seconds_to_samples(Fraction(n, 4), 2) for n in range(5)] == [0, 1, 1, 2, 2]
    assert units.seconds_to_samples(0.1, 44100) == 4410


def test_bits_per_second_adds_the_levels_up() -> None:
    # 12.5, 25 and 50 frames of one 10-bit code; then twice that with two codebooks at every level.
    assert units.bits_per_second(16000, (1280, 640, 320), (1, 1, 1), (1024, 1024, 1024)) == 875.0
    assert units.bits_per_second(16000, (1280, 640, 320), (2, 2, 2), (1024, 1024, 1024)) == 1750.0
    assert units.bits_per_second(16000, (1280, 640), (1, 2), (1024, 4)) == 12.5 * 10 + 25 * 2 * 2


def test_impossible_values_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="hop_length must be at least 1, got 0"):
        units.num_frames(10, 0)
    with pytest.raises(ValueError, match="num_samples must not be negative, got -1"):
        units.padded_samples(-1, 320)
    with pytest.raises(ValueError, match="to_rate must be at least 1, got 0"):
        units.resampled_length(10, 16000, 0)
    with pytest.raises(ValueError, match="sample_rate must be at least 1, got -8000"):
        units.frame_rate(-8000, 10)
    for seconds in (-0.5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="seconds must be finite and not negative"):
            units.seconds_to_samples(seconds, 16000)
    with pytest.raises(ValueError, match="zip"):
        units.bits_per_second(16000, (1280, 640), (1,), (1024, 1024))
