"""STOI, ESTOI and PESQ against their reference packages, and where they have no value."""

import pesq
import pystoi
import pytest
import torch

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.intelligibility import estoi, stoi
from audiovq.metrics.perceptual import pesq_wb
from recipes.benchmark import speech_like

RATE = 16_000


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = speech_like(1.5, RATE)[0]
    return clean, clean + 0.01 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))


def test_reference_and_result_go_to_the_packages_in_this_order(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = pair
    first, second = clean.double().numpy(), noisy.double().numpy()
    assert stoi(clean, noisy, RATE) == pytest.approx(pystoi.stoi(first, second, RATE), abs=1e-9)
    assert estoi(clean, noisy, RATE) == pytest.approx(pystoi.stoi(first, second, RATE, extended=True), abs=1e-9)
    assert pesq_wb(clean, noisy, RATE) == pytest.approx(pesq.pesq(RATE, clean.numpy(), noisy.numpy(), "wb"), abs=1e-6)
    # All three tell the order, so the lines above can fail.
    assert stoi(noisy, clean, RATE) != pytest.approx(stoi(clean, noisy, RATE), abs=1e-3)
    assert pesq_wb(noisy, clean, RATE) != pytest.approx(pesq_wb(clean, noisy, RATE), abs=1e-3)


def test_a_perfect_copy_scores_the_top(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, _ = pair
    assert stoi(clean, clean, RATE) == pytest.approx(1.0, abs=1e-6)
    assert estoi(clean, clean, RATE) == pytest.approx(1.0, abs=1e-6)
    assert pesq_wb(clean, clean, RATE) == pytest.approx(4.644, abs=1e-3)


def test_pesq_of_other_rates_is_taken_at_16_khz(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = pair
    high = [resample(wave[None], RATE, 48_000)[0] for wave in (clean, noisy)]
    assert pesq_wb(high[0], high[1], 48_000) == pytest.approx(pesq_wb(clean, noisy, RATE), abs=0.05)


def test_too_short_is_said_and_never_a_score(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = pair
    for metric in (stoi, estoi, pesq_wb):
        with pytest.raises(NotMeasurableError, match="this pair has less"):
            metric(clean[:3_000], noisy[:3_000], RATE)
    # Long enough, yet nearly all of it silent: the package would answer 1e-5.
    mostly_silent = torch.cat([clean[:3_000], torch.zeros(16_000)])
    with pytest.raises(NotMeasurableError, match="this pair has less"):
        stoi(mostly_silent, mostly_silent, RATE)


def test_silence_is_said(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, _ = pair
    silence = torch.zeros_like(clean)
    for metric in (stoi, estoi, pesq_wb):
        with pytest.raises(NotMeasurableError, match="reference is silent"):
            metric(silence, clean, RATE)
    with pytest.raises(NotMeasurableError, match="result is silent"):
        pesq_wb(clean, silence, RATE)
    assert stoi(clean, silence, RATE) == pytest.approx(0.0, abs=1e-6)
