"""A degraded copy of a data directory."""

from pathlib import Path

import pytest
import torch

from audiovq.audio import io
from audiovq.data.kaldi import DataDir, validate
from recipes.benchmark.speed import speech_like
from recipes.degrade import main

RATE = 16000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    names = ["ann-1", "ann-2", "bob-1"]
    for number, name in enumerate(names):
        io.write(tmp_path / f"{name}.wav", speech_like(0.5 + 0.1 * number, RATE), RATE)
    voices = {name: name[:3] for name in names}
    DataDir({name: str(tmp_path / f"{name}.wav") for name in names}, voices, dict.fromkeys(names, "words")).save(
        tmp_path / "data"
    )
    return tmp_path / "data"


def test_every_utterance_is_degraded_and_the_tables_stay(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(data), "noise", "band", "-o", str(out)]) == 0
    assert validate(out, RATE) == []
    before, after = DataDir.load(data), DataDir.load(out)
    assert (after.utt2spk, after.text) == (before.utt2spk, before.text)
    for name, path in after.wav_scp.items():
        clean, degraded = io.read(before.wav_scp[name])[0], io.read(path)[0]
        assert degraded.shape == clean.shape and not torch.allclose(degraded, clean, atol=1e-3)


def test_a_second_run_and_a_smaller_one_give_the_same_sounds(data: Path, tmp_path: Path) -> None:
    assert main([str(data), "room", "-o", str(tmp_path / "all")]) == 0
    assert main([str(data), "room", "-o", str(tmp_path / "two"), "--num-utterances", "2"]) == 0
    everything, two = DataDir.load(tmp_path / "all").wav_scp, DataDir.load(tmp_path / "two").wav_scp
    assert set(two) == {"ann-1", "bob-1"} or set(two) == {"ann-2", "bob-1"}
    assert all(Path(path).read_bytes() == Path(everything[name]).read_bytes() for name, path in two.items())
    times = {path: Path(path).stat().st_mtime_ns for path in everything.values()}
    assert main([str(data), "room", "-o", str(tmp_path / "all")]) == 0
    assert times == {path: Path(path).stat().st_mtime_ns for path in everything.values()}


def test_stereo_is_refused_by_name(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.write(tmp_path / "bob-1.wav", torch.zeros(2, 100), RATE)
    assert main([str(data), "noise", "-o", str(tmp_path / "out")]) == 1
    assert "bob-1.wav: expected a mono recording, got 2 channels" in capsys.readouterr().err
