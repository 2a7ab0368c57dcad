"""Which clips of several runs are one, and that every system has a name of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.report import FILE_NAME
from audiovq.report.joining import distinct, join_clips, load_run
from tests.report.runs import RATE, chirp, save_run


def labels(*folders: Path) -> dict[str, list[str]]:
    runs = distinct([load_run(folder) for folder in folders])
    return {clip.id: [sound.label for sound in clip.sounds] for clip in join_clips(runs)}


def test_clips_of_one_recording_are_joined_under_its_highest_rate(tmp_path: Path) -> None:
    save_run(tmp_path / "a", title="a")
    save_run(tmp_path / "b", title="b", names=("third", "fourth"))
    original = tmp_path / "b/original/one.wav"
    wave, _ = io.read(original)
    io.write(original, resample(wave, RATE, 24_000), 24_000)
    joined = ["original", "rough", "fine", "third", "fourth"]
    assert labels(tmp_path / "a", tmp_path / "b") == {"one": joined, "two": joined}
    clip = join_clips([load_run(tmp_path / "a"), load_run(tmp_path / "b")])[0]
    assert clip.sounds[0].path == original
    assert [sound.bits_per_second for sound in clip.sounds] == [0, 400, 1050, 400, 1050]


@pytest.mark.parametrize("other", [chirp(2.0, lowest_hz=900), chirp(2.2)])
def test_other_recordings_of_the_same_name_stay_apart(tmp_path: Path, other: object) -> None:
    save_run(tmp_path / "a", title="a")
    save_run(tmp_path / "b", title="b", names=("third", "fourth"))
    io.write(tmp_path / "b/original/one.wav", other, RATE)  # type: ignore[arg-type]
    found = labels(tmp_path / "a", tmp_path / "b")
    assert list(found) == ["one", "one (b)", "two"]
    assert found["one (b)"] == ["original", "third", "fourth"]


def test_systems_of_one_name_are_told_apart_by_title_or_folder(tmp_path: Path) -> None:
    save_run(tmp_path / "a", title="mine")
    save_run(tmp_path / "b", title="yours", names=("rough", "other"))
    assert labels(tmp_path / "a", tmp_path / "b")["one"] == [
        "original",
        "rough (mine)",
        "fine",
        "rough (yours)",
        "other",
    ]
    save_run(tmp_path / "b", title="mine")
    first, second = f"(mine ({tmp_path / 'a'}))", f"(mine ({tmp_path / 'b'}))"
    expected = [f"{name} {title}" for title in (first, second) for name in ("rough", "fine")]
    assert labels(tmp_path / "a", tmp_path / "b")["one"] == ["original", *expected]


def test_generations_have_no_original_and_are_joined_by_their_text(tmp_path: Path) -> None:
    for folder, names in (("a", ("x", "y")), ("b", ("z", "w"))):
        save_run(tmp_path / folder, title=folder, names=names)
        values = json.loads((tmp_path / folder / FILE_NAME).read_text())
        for clip in values["clips"]:
            del clip["original"]
        values["clips"][1]["text"] = folder
        values["clips"].append({"id": "silent"})
        (tmp_path / folder / FILE_NAME).write_text(json.dumps(values))
    found = labels(tmp_path / "a", tmp_path / "b")
    assert found == {"one": ["x", "y", "z", "w"], "two": ["x", "y"], "two (b)": ["z", "w"]}


def test_so_many_clips_are_taken(tmp_path: Path) -> None:
    save_run(tmp_path)
    assert [clip.id for clip in load_run(tmp_path, 1).report.clips] == ["one"]
