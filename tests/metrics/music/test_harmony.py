"""Whether tones are kept."""

import pytest
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.harmony import chroma_correlation

RATE = 16000


def tones(*frequencies: float, seconds: float = 1.5) -> Tensor:
    """One after the other."""
    time = torch.arange(int(seconds * RATE)) / RATE
    return torch.cat([0.3 * torch.sin(2 * torch.pi * frequency * time) for frequency in frequencies])


def test_the_same_tones_at_any_level_are_the_same() -> None:
    wave = tones(440.0, 523.25, 659.26)
    assert chroma_correlation(wave, 0.1 * wave, RATE) == pytest.approx(1.0, abs=0.01)


def test_an_octave_is_the_same_pitch_class_and_half_a_tone_another() -> None:
    wave = tones(440.0, 523.25)
    assert chroma_correlation(wave, tones(880.0, 1046.5), RATE) > 0.9
    assert chroma_correlation(wave, tones(466.16, 554.37), RATE) < 0.3


def test_the_same_tones_in_another_order_are_others() -> None:
    assert chroma_correlation(tones(440.0, 523.25), tones(523.25, 440.0), RATE) < 0.3


def test_noise_keeps_no_tone() -> None:
    wave = tones(440.0, 523.25)
    noise = 0.1 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    assert abs(chroma_correlation(wave, noise, RATE)) < 0.3


def test_quiet_moments_count_little() -> None:
    """A loud tone that is kept, before a soft one that is not."""
    loud, soft = tones(440.0), 0.01 * tones(523.25)
    assert chroma_correlation(torch.cat([loud, soft]), torch.cat([loud, 0.01 * tones(587.33)]), RATE) > 0.9


def test_silence_has_no_tones() -> None:
    with pytest.raises(NotMeasurableError, match="needs a second of sound"):
        chroma_correlation(tones(440.0, 523.25), torch.zeros(3 * RATE), RATE)
