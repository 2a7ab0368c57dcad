"""The speed table from clocks that the tests set; nothing here depends on how fast this machine is."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from recipes.benchmark import speed
from recipes.benchmark.__main__ import main
from recipes.benchmark.speed import EncodecCodec, Timing, markdown_table, measure, speech_like


class FakeCodec:
    num_parameters = 1_500_000
    bits_per_second = 1375.0

    def __init__(self, name: str, sample_rate: int, calls: list[str]) -> None:
        self.name, self.sample_rate, self.calls = name, sample_rate, calls
        self.lengths: list[int] = []

    def encode(self, wave: Tensor) -> object:
        self.calls.append(f"encode {self.name}")
        self.lengths.append(wave.shape[1])
        return wave

    def decode(self, codes: object) -> Tensor:
        self.calls.append(f"decode {self.name}")
        assert isinstance(codes, Tensor)
        return codes


def test_codecs_take_turns_at_their_own_rates_and_the_first_round_is_dropped() -> None:
    calls: list[str] = []
    codecs = [FakeCodec("a", 16_000, calls), FakeCodec("b", 24_000, calls)]
    timings = measure(codecs, torch.zeros(1, 4_800), 48_000, repeats=2)
    assert calls == ["encode a", "decode a", "encode b", "decode b"] * 3
    assert (codecs[0].lengths, codecs[1].lengths) == ([1_600] * 3, [2_400] * 3)
    assert [len(timing.encode_seconds) for timing in timings] == [2, 2]


def test_table_holds_medians_and_ratios_of_the_first_to_each() -> None:
    codecs = [FakeCodec("a", 16_000, []), FakeCodec("b", 24_000, [])]
    timings = [Timing([0.1, 9.0, 0.1], [0.2, 0.2, 0.2]), Timing([0.4, 0.4, 0.0], [1.0, 1.0, 1.0])]
    rows = markdown_table(codecs, timings, audio_seconds=10.0).splitlines()[2:]
    assert rows == [
        "| a | 1.5 M | 1375 | 100.0 | 50.0 | 1.00 | 1.00 |",
        "| b | 1.5 M | 1375 | 25.0 | 10.0 | 4.00 | 5.00 |",
    ]


def test_encodec_is_the_one_of_6_kbit_per_second() -> None:
    codec = EncodecCodec()
    with torch.inference_mode():
        codes = codec.encode(speech_like(0.2, codec.sample_rate))
        assert codes.audio_codes.shape == (1, 1, 8, 15)  # type: ignore[attr-defined]  # 8 x 10 bits x 75 a second
        assert codec.decode(codes).shape == (1, 4_800)
    assert codec.num_parameters == pytest.approx(14.9e6, rel=0.01)


def test_command_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr(speed, "AudiovqCodec", lambda model: FakeCodec(model, 16_000, []))
    monkeypatch.setattr(speed, "EncodecCodec", lambda: FakeCodec("rival", 24_000, []))
    out = tmp_path / "speed.md"
    arguments = ["speed", "--model", "mine", "--seconds", "0.5", "--repeats", "1", "--out", str(out)]
    main([*arguments, "--threads", str(threads)])
    text = out.read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    assert text.startswith(f"Speed on 0.5 s of a synthetic voice, {threads} thread(s), medians of 1 interleaved")
    assert "| mine |" in text
    assert "| rival |" in text
