"""The measures of speed from stand-ins; nothing here depends on how fast this machine is."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recipes.benchmark import __main__ as command
from recipes.benchmark import speed
from recipes.benchmark.__main__ import main
from recipes.benchmark.codec import Codec, Encoded, NotAvailableError
from recipes.benchmark.speed import measure


class FakeCodec:
    trained, identity = True, ""

    def __init__(self, name: str, sample_rate: int, calls: list[str], num_parameters: int | None = 1_500_000) -> None:
        self.name, self.sample_rate, self.calls = name, sample_rate, calls
        self.num_parameters = num_parameters
        self.lengths: list[int] = []

    def encode(self, wave: Tensor) -> Encoded:
        self.calls.append(f"encode {self.name} on {torch.get_num_threads()}")
        self.lengths.append(wave.shape[1])
        return Encoded(wave, wave.shape[1] // 10, None)

    def decode(self, encoded: Encoded) -> Tensor:
        self.calls.append(f"decode {self.name} on {torch.get_num_threads()}")
        return encoded.content


def test_codecs_take_turns_at_their_own_rates_and_the_first_round_is_dropped() -> None:
    calls: list[str] = []
    codecs = [FakeCodec("a", 16_000, calls), FakeCodec("b", 24_000, calls)]
    timings = measure(codecs, torch.zeros(1, 4_800), 48_000, repeats=2)
    assert [call.split(" on ")[0] for call in calls] == ["encode a", "decode a", "encode b", "decode b"] * 3
    assert (codecs[0].lengths, codecs[1].lengths) == ([1_600] * 3, [2_400] * 3)
    assert [len(timing.encode_seconds) for timing in timings] == [2, 2]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def make_all(words: list[str]) -> tuple[dict[str, Codec], dict[str, NotAvailableError]]:
        codecs: dict[str, Codec] = {
            word: FakeCodec(word, 16_000, calls, None if word == "program" else 3_000_000)
            for word in words
            if word != "absent"
        }
        return codecs, {word: NotAvailableError("no weights", "get some") for word in words if word == "absent"}

    monkeypatch.setattr(command.rivals, "make_all", make_all)
    monkeypatch.setattr(speed, "peak_bytes", lambda word, seconds: 7 << 20)
    return calls


def test_the_command_writes_every_repeat_at_every_number_of_threads(
    tmp_path: Path, fakes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    arguments = ["speed", "--model", "mine", "--rivals", "net", "program", "--seconds", "1.5", "--repeats", "3"]
    assert main([*arguments, "--threads", "1", "2", "--out", str(tmp_path / "speed.json")]) == 0
    assert torch.get_num_threads() == threads
    results = json.loads((tmp_path / "speed.json").read_text())
    assert [row["codec"] for row in results["codecs"]] == ["audiovq:mine", "net", "program"]
    for row in results["codecs"]:
        for times in (row["encode_seconds"], row["decode_seconds"]):
            assert [(number, len(each)) for number, each in times.items()] == [("1", 3), ("2", 3)]
        assert len(row["first_chunk_seconds"]) == 3
        assert row["bits_per_second"] == 1_600
    assert [row["peak_bytes"] for row in results["codecs"]] == [7 << 20, 7 << 20, None]
    assert results["codecs"][2]["encode_multiply_adds_per_second"] is None
    # Each at both numbers of threads with a round to warm up, and then the first second on the fewest.
    assert fakes.count("encode net on 2") == 4
    assert [call for call in fakes if call.startswith("decode program")][-4:] == ["decode program on 1"] * 4
    out = capsys.readouterr().out
    assert "| **audiovq:mine** | 1600 |" in out
    assert "1.5 s of a synthetic voice" in out


def test_what_is_missing_is_told_and_failed_for_only_when_it_was_asked_for(
    fakes: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["speed", "--seconds", "0.1", "--repeats", "1", "--threads", "1"]
    assert main([*arguments, "--rivals", "absent"]) == 1
    assert "- not measured: absent: no weights: get some" in capsys.readouterr().out
    monkeypatch.setattr(command, "SPEED_RIVALS", ("absent",))
    assert main(arguments) == 0
    monkeypatch.setattr(
        command.rivals, "make_all", lambda words: ({}, {words[0]: NotAvailableError("none", "make it")})
    )
    with pytest.raises(SystemExit, match="benchmark: none: make it"):
        main(arguments)
