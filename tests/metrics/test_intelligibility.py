"""STOI and ESTOI against the reference package, and where they have no value."""

import pystoi
import pytest
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.intelligibility import estoi, stoi

RATE = 16_000


def test_reference_and_result_go_to_the_package_in_this_order(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    first, second = clean.double().numpy(), noisy.double().numpy()
    assert stoi(clean, noisy, RATE) == pytest.approx(pystoi.stoi(first, second, RATE), abs=1e-9)
    assert estoi(clean, noisy, RATE) == pytest.approx(pystoi.stoi(first, second, RATE, extended=True), abs=1e-9)
    assert stoi(noisy, clean, RATE) != pytest.approx(stoi(clean, noisy, RATE), abs=1e-3)  # so the lines above can fail


def test_a_perfect_copy_scores_1(pair: tuple[Tensor, Tensor]) -> None:
    clean, _ = pair
    assert stoi(clean, clean, RATE) == pytest.approx(1.0, abs=1e-6)
    assert estoi(clean, clean, RATE) == pytest.approx(1.0, abs=1e-6)


def test_too_short_is_said_and_never_a_score(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    # The second is long enough, yet nearly all of it silent: the package would answer 1e-5.
    mostly_silent = torch.cat([clean[:3_000], torch.zeros(16_000)])
    for reference, result in ((clean[:3_000], noisy[:3_000]), (mostly_silent, mostly_silent)):
        for metric in (stoi, estoi):
            with pytest.raises(NotMeasurableError, match="this pair has less"):
                metric(reference, result, RATE)


def test_silence_is_no_reference_but_a_bad_result(pair: tuple[Tensor, Tensor]) -> None:
    clean, _ = pair
    silence = torch.zeros_like(clean)
    for metric in (stoi, estoi):
        with pytest.raises(NotMeasurableError, match="reference is silent"):
            metric(silence, clean, RATE)
        assert metric(clean, silence, RATE) == pytest.approx(0.0, abs=0.05)
