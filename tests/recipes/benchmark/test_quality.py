"""The command that compares codecs, from a data directory to its table, with stand-ins for the codecs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.report import Report
from recipes.benchmark import rivals, scores
from recipes.benchmark.__main__ import main
from recipes.benchmark.codec import Codec, CodecError, Encoded, NotAvailableError
from recipes.benchmark.synthetic import speech_like


class FakeCodec:
    """Keeps a wave to so many bits a sample, at one sample rate."""

    identity = ""
    num_parameters: int | None = None

    trained, sample_rate = True, 16_000

    def __init__(self, name: str, bits: int) -> None:
        self.name, self.bits = name, bits
        self.num_encoded = 0

    def encode(self, wave: Tensor) -> Encoded:
        self.num_encoded += 1
        if wave.abs().max() < 1e-3:
            raise CodecError("nothing to hear")
        return Encoded(wave, self.bits * wave.shape[1], None)

    def decode(self, encoded: Encoded) -> Tensor:
        return (encoded.content * (1 << self.bits)).round() / (1 << self.bits)


@pytest.fixture
def codecs(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeCodec]:
    made: dict[str, FakeCodec] = {"fine": FakeCodec("Fine", 13), "coarse": FakeCodec("Coarse", 11)}

    def make(word: str) -> Codec:
        if word not in made:
            raise NotAvailableError("gone", "fetch it")
        return made[word]

    monkeypatch.setattr(rivals, "parse", lambda word: None)
    monkeypatch.setattr(rivals, "lacks_weights", lambda word: word == "random")
    monkeypatch.setattr(rivals, "make", make)
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    names = ["a-1", "a-2", "b-1"]
    for number, name in enumerate(names):
        wave = speech_like(1.5, 16_000)[:, number * 4_000 : number * 4_000 + 8_000 + 1_000 * number]
        io.write(tmp_path / f"{name}.wav", wave, 16_000)
    (folder / "wav.scp").write_text("".join(f"{name} {tmp_path / name}.wav\n" for name in names))
    (folder / "utt2spk").write_text("".join(f"{name} {name[0]}\n" for name in names))
    return folder


def test_from_a_data_directory_to_a_table(
    tmp_path: Path, data: Path, codecs: dict[str, FakeCodec], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["codecs", str(data), "-o", str(out), "--min-seconds", "0.2", "--metrics", "si_sdr", "mel_distance"]
    arguments += ["--rivals", "fine", "random", "coarse", "--store", str(tmp_path / "stored" / "quality.json")]
    assert main(arguments) == 0
    assert (tmp_path / "stored" / "quality.json").read_bytes() == (out / "results.json").read_bytes()
    results = json.loads((out / "results.json").read_text())
    assert [row["codec"] for row in results["codecs"]] == ["coarse", "fine"]  # by bits
    assert [row["payload_bits_per_second"] for row in results["codecs"]] == [176_000, 208_000]
    coarse, fine = (row["scores"]["si_sdr"] for row in results["codecs"])
    assert fine["mean"] == pytest.approx(coarse["mean"] + 6.02 * 2, abs=1)  # 6 dB a bit
    assert (fine["count"], fine["low"] <= fine["mean"] <= fine["high"]) == (3, True)
    assert results["untrained"] == ["random"]
    assert (results["num_utterances"], results["num_speakers"], results["seconds"]) == (3, 2, 1.7)
    assert results["command"].startswith("python -m recipes.benchmark codecs ")
    printed = capsys.readouterr()
    assert "random is left out: there are no weights of it here" in printed.err
    assert (out / "RESULTS.md").read_text().startswith("| codec | bits per second |")
    report = Report.load(out)
    assert [system.name for system in report.systems] == ["Coarse", "Fine"]
    assert report.systems[0].scores["si_sdr"].mean == coarse["mean"]
    assert [(clip.id, sorted(clip.files)) for clip in report.clips] == [(i, ["Coarse", "Fine"]) for i in ("b-1", "a-2")]

    (out / "results.json").unlink()
    before = codecs["fine"].num_encoded
    assert main(arguments) == 0
    assert codecs["fine"].num_encoded == before  # nothing is coded twice
    assert json.loads((out / "results.json").read_text())["codecs"] == results["codecs"]


def test_what_failed_or_is_missing_is_told_by_the_exit_code(
    tmp_path: Path, data: Path, codecs: dict[str, FakeCodec], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["codecs", str(data), "-o", str(tmp_path / "out"), "--min-seconds", "0.2", "--metrics", "si_sdr"]
    assert main([*arguments, "--rivals", "coarse", "absent"]) == 1
    assert "benchmark: absent is left out: gone: fetch it" in capsys.readouterr().err
    assert main([*arguments, "--rivals", "coarse"]) == 0
    io.write(tmp_path / "a-1.wav", torch.zeros(1, 8_000), 16_000)
    assert main(["codecs", str(data), "-o", str(tmp_path / "other"), *arguments[4:], "--rivals", "coarse"]) == 1
    results = json.loads((tmp_path / "other" / "results.json").read_text())
    assert results["codecs"][0]["failures"] == ["a-1: nothing to hear"]
    assert results["codecs"][0]["scores"]["si_sdr"]["count"] == 2


def test_another_metric_is_added_to_those_that_are_there(
    tmp_path: Path, data: Path, codecs: dict[str, FakeCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ["codecs", str(data), "-o", str(out), "--min-seconds", "0.2", "--rivals", "coarse", "--metrics"]
    assert main([*arguments, "si_sdr"]) == 0
    first = json.loads((out / "results.json").read_text())["codecs"][0]["scores"]
    taken: list[tuple[str, ...]] = []
    real = scores.measure

    def measure(names: tuple[str, ...], *pair: Any) -> Any:
        taken.append(names)
        return real(names, *pair)

    monkeypatch.setattr(scores, "measure", measure)
    assert main([*arguments, "mel_distance", "si_sdr"]) == 0
    second = json.loads((out / "results.json").read_text())["codecs"][0]["scores"]
    assert taken == [("mel_distance",)] * 3
    assert list(second) == ["mel_distance", "si_sdr"]
    assert second["si_sdr"] == first["si_sdr"]


def test_a_metric_that_there_is_not_is_refused(tmp_path: Path, data: Path, codecs: dict[str, FakeCodec]) -> None:
    arguments = ["codecs", str(data), "-o", str(tmp_path / "out"), "--min-seconds", "0.2", "--rivals", "coarse"]
    with pytest.raises(SystemExit, match="benchmark: no metric is called 'mos'"):
        main([*arguments, "--metrics", "mos"])
