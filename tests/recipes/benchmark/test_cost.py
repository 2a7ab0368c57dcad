"""Multiply-adds of layers whose number is known, and memory of a process that says it."""

import subprocess
import sys
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn

from recipes.benchmark import cost
from recipes.benchmark.codec import CodecError, Encoded


class Layers:
    """A convolution and a recurrent layer as encoder, a weight in two parts as decoder."""

    name, sample_rate, trained, identity = "layers", 16_000, True, ""

    def __init__(self, num_parameters: int | None = 1) -> None:
        self.num_parameters = num_parameters
        self._conv = nn.Conv1d(2, 4, kernel_size=3, padding=1, groups=2)
        self._lstm = nn.LSTM(4, 8)
        self._head = nn.utils.parametrizations.weight_norm(nn.Linear(8, 5))

    def encode(self, wave: Tensor) -> Encoded:
        features = self._conv(wave.expand(1, 2, -1))
        return Encoded(self._lstm(features.permute(2, 0, 1))[0], 1, None)

    def decode(self, encoded: Encoded) -> Tensor:
        return self._head(encoded.content)[:, 0].T[:1]


def test_multiply_adds_are_counted_layer_by_layer() -> None:
    with torch.no_grad():
        counted = cost.multiply_adds(Layers(), torch.zeros(1, 10))
    # 10 frames: 4 outputs x 1 input of their group x 3 taps; 4 gates x 8 outputs x (4 inputs + 8 of the past)
    assert counted == cost.MultiplyAdds(encode=10 * (4 * 3 + 4 * 8 * (4 + 8)), decode=10 * 8 * 5)


def test_a_codec_without_a_network_has_none() -> None:
    assert cost.multiply_adds(Layers(None), torch.zeros(1, 10)) is None


def test_memory_is_that_of_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Mock(return_value=Mock(returncode=0, stdout="a library speaks\n2048\n"))
    monkeypatch.setattr(subprocess, "run", run)
    assert cost.peak_bytes("snac", 3.0) == 2048
    assert run.call_args.args[0] == [sys.executable, "-m", "recipes.benchmark.cost", "snac", "3.0"]
    run.return_value = Mock(returncode=1, stderr="Traceback\nno such codec\n")
    with pytest.raises(CodecError, match="ended with code 1: no such codec"):
        cost.peak_bytes("snac", 3.0)


def test_the_process_prints_its_peak(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["cost", "layers", "0.01"])
    monkeypatch.setattr(cost.rivals, "make", lambda word: Layers())
    with torch.no_grad():
        cost.main()
    assert 50 << 20 < int(capsys.readouterr().out) < 100 << 30  # torch alone is more than 50 MiB
