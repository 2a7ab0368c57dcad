"""Labels of music: what was measured is kept, what cannot be read is named."""

import json
from pathlib import Path

import pytest

from audiovq.audio import io
from audiovq.data.kaldi import DataDir
from recipes.label_music import labels_of, main
from tests.metrics.music.sounds import RATE, C, F, G, clicks, progression


@pytest.fixture
def data(tmp_path: Path) -> Path:
    waves = {"cadence": progression(C, F, G, C, times=2), "clicks": clicks(120, 8)}
    for name, wave in waves.items():
        io.write(tmp_path / f"{name}.wav", wave[None], RATE)
    for split, names in (("train", ["cadence"]), ("test", ["clicks"])):
        scp = {name: str(tmp_path / f"{name}.wav") for name in names}
        DataDir(wav_scp=scp, utt2spk=dict.fromkeys(names, "album")).save(tmp_path / split)
    (tmp_path / "labels.jsonl").write_text('{"id": "cadence", "labels": {"album": "first"}}\n')
    return tmp_path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_all_splits_are_labelled_beside_what_is_known(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main([str(data)]) == 0
    labels = {row["id"]: row["labels"] for row in lines(data / "labels_music.jsonl")}
    assert labels["cadence"] == {"album": "first", "key": "C major", "tempo": "slow", "bpm": "60 bpm"}
    assert labels["clicks"] == {"tempo": "medium", "bpm": "120 bpm"}
    before = (data / "music.jsonl").read_bytes()
    monkeypatch.setattr("recipes.label_music.measure_piece", None)  # nothing is measured twice
    (data / "labels_music.jsonl").unlink()
    assert main([str(data)]) == 0
    assert (data / "music.jsonl").read_bytes() == before and (data / "labels_music.jsonl").exists()


def test_what_cannot_be_read_is_named_and_the_rest_is_done(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "clicks.wav").write_bytes(b"no sound")
    assert main([str(data)]) == 1
    assert "label_music: clicks: " in capsys.readouterr().err
    assert [row["id"] for row in lines(data / "labels_music.jsonl")] == ["cadence"]


def test_what_is_not_clear_is_no_label() -> None:
    assert labels_of({"key": "C major", "key_correlation": 0.5, "tempo_bpm": 99.0, "pulse_clarity": 0.1}) == {}
    assert labels_of({}) == {}


def test_a_folder_without_data_directories_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "is no data directory and holds none: expected wav.scp" in capsys.readouterr().err
