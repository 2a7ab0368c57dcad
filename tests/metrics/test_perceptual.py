"""PESQ against the reference package, and where it has no value."""

import pytest
import torch
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.perceptual import pesq_wb
from audiovq.system.optional import optional_package

RATE = 16_000
pytest.importorskip("pesq", reason="pesq is compiled on installing, so only the extra eval brings it")


def test_reference_and_result_go_to_the_package_in_this_order(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    expected = optional_package("pesq").pesq(RATE, clean.numpy(), noisy.numpy(), "wb")
    assert pesq_wb(clean, noisy, RATE) == pytest.approx(expected, abs=1e-6)
    assert pesq_wb(noisy, clean, RATE) != pytest.approx(expected, abs=1e-3)  # so the line above can fail


def test_a_perfect_copy_scores_the_top(pair: tuple[Tensor, Tensor]) -> None:
    assert pesq_wb(pair[0], pair[0], RATE) == pytest.approx(4.644, abs=1e-3)


def test_other_rates_are_measured_at_16_khz(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    high = [resample(wave[None], RATE, 48_000)[0] for wave in (clean, noisy)]
    assert pesq_wb(high[0], high[1], 48_000) == pytest.approx(pesq_wb(clean, noisy, RATE), abs=0.05)


def test_too_short_and_silent_are_said(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    silence = torch.zeros_like(clean)
    with pytest.raises(NotMeasurableError, match="this pair has less"):
        pesq_wb(clean[:3_000], noisy[:3_000], RATE)
    with pytest.raises(NotMeasurableError, match="reference is silent"):
        pesq_wb(silence, clean, RATE)
    with pytest.raises(NotMeasurableError, match="result is silent"):
        pesq_wb(clean, silence, RATE)
