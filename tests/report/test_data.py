"""report.json: what is written is read again, and what does not fit together is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiovq.report import FILE_NAME, Clip, Report, ReportError
from tests.report.runs import save_run


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    report = save_run(tmp_path)
    assert Report.load(tmp_path) == report


def test_a_minimal_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        '{"version": 1, "title": "t", "systems": [{"name": "a"}], "clips": [{"id": "c"}]}'
    )
    report = Report.load(tmp_path)
    assert (report.systems[0].name, report.clips) == ("a", [Clip(id="c")])


def test_the_example_of_the_readme_is_one(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (tmp_path / FILE_NAME).write_text(readme.split("```json\n")[1].split("```")[0])
    for sound in ("originals/a-1.wav", "mine/a-1.wav"):
        (tmp_path / sound).parent.mkdir()
        (tmp_path / sound).touch()
    assert Report.load(tmp_path).systems[0].scores["stoi"].count == 24


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["version"], 2, r"report\.json has version 2, this audiovq reads 1"),
        (["titel"], "t", "Report has no field titel; its fields are title, note"),
        (["title"], None, "Report.title is None, expected str"),
        (["systems", 1, "bits_per_second"], "fast", r"Report\.systems\[1\]\.bits_per_second is 'fast', expected float"),
        (["systems", 1, "bits_per_second"], -1, r"system fine has -1\.0 bits per second"),
        (["systems", 0, "scores", "stoi", "mean"], [], r"Report\.systems\[0\]\.scores\.stoi\.mean is \[\], expected"),
        (
            ["systems", 0, "scores", "stoi"],
            {"mean": 1.0},
            r"systems\[0\]\.scores\.stoi lacks the field count, high, low",
        ),
        (["systems", 0, "scores", "stoi", "low"], 0.9, r"rough: stoi is 0\.7 in \[0\.9, 0\.74\], expected"),
        (["systems", 0, "scores", "stoi", "high"], float("nan"), "expected finite numbers in order"),
        (["systems", 0, "name"], "fine", "there are 2 systems called 'fine', expected one"),
        (["systems", 0, "name"], "", "there is a system without a name"),
        (["clips", 1, "id"], "one", "there are 2 clips called 'one', expected one"),
        (["metrics"], {}, "system rough has a score stoi, of which metrics says nothing"),
        (["clips", 0, "files", "flac"], "a.wav", "clip one has a sound of flac, which is not among the systems"),
        (["clips", 0, "files", "original"], "a.wav", "clip one has an original among its files"),
        (["clips", 0, "files", "fine"], "none.wav", r"report\.json: clip one names none\.wav, which is not there"),
        (["clips", 0, "original"], "none.wav", r"clip one names none\.wav, which is not there"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, keys: list[Any], value: Any, message: str) -> None:
    save_run(tmp_path)
    path = tmp_path / FILE_NAME
    values = place = json.loads(path.read_text())
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(values))
    with pytest.raises(ReportError, match=message):
        Report.load(tmp_path)


def test_no_file_and_no_json_are_mistakes_too(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot read .*report\.json: No such file or directory"):
        Report.load(tmp_path)
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(ReportError, match=r"report\.json is not JSON"):
        Report.load(tmp_path)
    (tmp_path / FILE_NAME).write_text("[]")
    with pytest.raises(ReportError, match="has version None"):
        Report.load(tmp_path)
