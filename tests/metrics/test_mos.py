"""MOS networks: how they are asked, by stand-ins; and, where their packages are, what these answer themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audiovq.metrics import mos
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.mos import MOS_RATE, distillmos, dnsmos_p808, plcmos
from tests.metrics.test_voices import voice


@pytest.fixture(scope="module")
def speech() -> Tensor:
    return voice("en_allison/agent-alreadyon")


def noisy(wave: Tensor) -> Tensor:
    return (wave + 0.1 * torch.randn(wave.shape, generator=torch.Generator().manual_seed(0))).clamp(-1, 1)


def test_distillmos_is_the_mean_over_windows_that_cover_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Tensor] = []

    def model(wave: Tensor) -> Tensor:
        heard.append(wave)
        return torch.tensor([float(len(heard))])

    monkeypatch.setattr(mos, "_distillmos", lambda: model)
    ramp = torch.linspace(0.1, 0.9, 122_880 + 20_000)
    assert distillmos(ramp, ramp, MOS_RATE) == 2.0  # the mean of 1, 2 and 3
    assert [float(wave[0, 0]) for wave in heard] == [float(ramp[start]) for start in (0, 10_000, 20_000)]
    assert {wave.shape[1] for wave in heard} == {122_880}
    heard.clear()
    distillmos(ramp[:8_000], ramp[:8_000], MOS_RATE // 2)  # at another rate: resampled, one window
    assert [wave.shape for wave in heard] == [(1, 16_000)]


def test_plcmos_asks_the_same_fifteen_listeners_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners: list[np.ndarray] = []

    class Session:
        def run(self, outputs: None, inputs: Mapping[str, np.ndarray]) -> list[float]:
            assert inputs["degraded_audio"].shape == (1, 1, 2, 3)
            listeners.append(inputs["rater_embed"])
            return [3.0 + (len(listeners) - 1) % 15 / 7]

    model = SimpleNamespace(session=Session(), stft_transform=lambda samples: np.zeros((2, 3)))
    monkeypatch.setattr(mos, "_plcmos", lambda: model)
    wave = torch.full((800,), 0.1)
    assert plcmos(wave, wave, MOS_RATE) == plcmos(wave, wave, MOS_RATE) == pytest.approx(4.0)
    assert np.array_equal(listeners[:15], listeners[15:]) and len(listeners) == 30
    assert len({each.tobytes() for each in listeners}) == 15


def test_dnsmos_gets_the_result_within_full_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(samples: np.ndarray, sample_rate: int, is_personalised: bool) -> dict[str, Any]:
        assert sample_rate == MOS_RATE and not is_personalised and samples.dtype == np.float32
        return {"p808_mos": np.abs(samples).max(), "ovrl_mos": 9.0}

    monkeypatch.setattr(mos, "_dnsmos", lambda: model)
    reference = torch.zeros(800)
    assert dnsmos_p808(reference, torch.full((800,), 1.5), MOS_RATE) == 1.0
    assert dnsmos_p808(reference, torch.full((800,), -0.25), MOS_RATE) == 0.25


@pytest.mark.parametrize("measure", [distillmos, dnsmos_p808, plcmos])
def test_a_silent_result_has_no_grade(measure: Any, speech: Tensor) -> None:
    with pytest.raises(NotMeasurableError, match="the result is silent"):
        measure(speech, torch.zeros_like(speech), MOS_RATE)


def test_distillmos_is_that_of_the_package(speech: Tensor) -> None:
    pytest.importorskip("distillmos")
    long = speech.repeat(5)[: 122_880 + 5_000]
    with torch.inference_mode():
        expected = float(mos._distillmos()(long[None]))
    assert distillmos(long, long, MOS_RATE) == pytest.approx(expected, abs=1e-4)
    assert 5 >= distillmos(speech, speech, MOS_RATE) > distillmos(speech, noisy(speech), MOS_RATE) + 0.5


def test_speechmos_grades_are_those_of_the_package(speech: Tensor) -> None:
    package = pytest.importorskip("speechmos.dnsmos")
    expected = package.run(speech.numpy(), MOS_RATE)["p808_mos"]
    assert dnsmos_p808(noisy(speech), speech, MOS_RATE) == pytest.approx(expected, abs=1e-4)
    other = pytest.importorskip("speechmos.plcmos")
    # The package draws listeners anew: two draws of its own differ by some hundredths.
    assert plcmos(speech, speech, MOS_RATE) == pytest.approx(other.run(speech.numpy(), MOS_RATE)["plcmos"], abs=0.15)
    for measure in (dnsmos_p808, plcmos):
        assert 5 >= measure(speech, speech, MOS_RATE) > measure(speech, noisy(speech), MOS_RATE) + 0.3
