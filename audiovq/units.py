"""Seconds, samples, frames and rates: the only place where one becomes another, and where anything is rounded."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor, log2


def frame_rate(sample_rate: int, hop_length: int) -> Fraction:
    """Frames per second, exact."""
    _check_positive(sample_rate=sample_rate, hop_length=hop_length)
    return Fraction(sample_rate, hop_length)


def num_frames(num_samples: int, hop_length: int) -> int:
    """Frames that cover `num_samples`; the last frame may be filled in part."""
    _check_positive(hop_length=hop_length)
    _check_not_negative(num_samples=num_samples)
    return -(-num_samples // hop_length)


def padded_samples(num_samples: int, hop_length: int) -> int:
    """The smallest multiple of `hop_length` that is not below `num_samples`."""
    return num_frames(num_samples, hop_length) * hop_length


def resampled_length(num_samples: int, from_rate: int, to_rate: int) -> int:
    """Samples at `to_rate` that cover `num_samples` at `from_rate`."""
    _check_positive(from_rate=from_rate, to_rate=to_rate)
    _check_not_negative(num_samples=num_samples)
    return -(-num_samples * to_rate // from_rate)


def seconds_to_samples(seconds: float | Fraction, sample_rate: int) -> int:
    """The nearest whole number of samples; halves go up."""
    _check_positive(sample_rate=sample_rate)
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"seconds must be finite and not negative, got {seconds}")
    return floor(Fraction(seconds) * sample_rate + Fraction(1, 2))


def samples_to_seconds(num_samples: int, sample_rate: int) -> float:
    """The time that `num_samples` last."""
    _check_positive(sample_rate=sample_rate)
    _check_not_negative(num_samples=num_samples)
    return num_samples / sample_rate


def bits_per_second(
    sample_rate: int, hop_lengths: Sequence[int], num_codebooks: Sequence[int], codebook_sizes: Sequence[int]
) -> float:
    """Sum over levels of K log2(V) times the frame rate: what fixed-length codes of one channel need."""
    levels = zip(hop_lengths, num_codebooks, codebook_sizes, strict=True)
    return sum(k * log2(v) * float(frame_rate(sample_rate, hop_length)) for hop_length, k, v in levels)


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def _check_not_negative(**values: int) -> None:
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{name} must not be negative, got {value}")
