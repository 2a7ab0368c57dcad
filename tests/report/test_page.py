"""The page as text: well-formed, complete, escaped, and in need of nothing."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq import cli
from audiovq.report import FILE_NAME, Report
from audiovq.report.html import VOID, megabytes, number
from audiovq.report.joining import load_run
from audiovq.report.page import report_page
from tests.report.runs import HOSTILE, RATE, save_run


class Outline(HTMLParser):
    """Sees that every element is closed where it should be, and keeps attributes and words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style") and data.strip():
            self.words.append(data.strip())

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        return [each for name, each in self.elements if name == tag and kind in each.get("class", "")]


@pytest.fixture
def page(tmp_path: Path) -> str:
    save_run(tmp_path)
    return report_page([load_run(tmp_path)])


def test_every_element_is_closed_and_every_name_is_there_once(page: str) -> None:
    outline = Outline(page)
    names = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    links = [attributes["href"] for attributes in outline.all("a")]
    assert links == ["#scores", "#rates", "#listen", "#blind", "#codebooks"]
    labelled = [each["aria-labelledby"] for _, each in outline.elements if "aria-labelledby" in each]
    assert {link[1:] for link in links} | set(labelled) <= set(names)


def test_the_page_asks_for_nothing(page: str) -> None:
    assert not re.search(
        r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]*", "", page).replace("// ", "")
    )
    targets = [each[name] for _, each in Outline(page).elements for name in ("src", "href") if name in each]
    assert targets and all(target.startswith(("data:", "#")) for target in targets)
    (policy,) = (each["content"] for each in Outline(page).all("meta") if "http-equiv" in each)
    assert policy.startswith("default-src 'none'")


def test_every_player_holds_its_own_sound(page: str, tmp_path: Path) -> None:
    outline = Outline(page)
    sounds, audios = outline.all("div", "sound"), outline.all("audio")
    labels = [each["data-label"] for each in sounds if "data-label" in each]
    assert labels == ["original", "rough", "fine"] * 2
    assert len(outline.all("button", "choose")) == 6 + 3  # and those of the blind test
    for clip, label, audio in zip(["one"] * 3 + ["two"] * 3, labels, audios, strict=True):
        kind, _, content = audio["src"].partition(",")
        assert kind == "data:audio/flac;base64"
        wave, rate = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="int16")
        expected, _ = soundfile.read(tmp_path / label / f"{clip}.wav", dtype="int16")
        assert rate == RATE and np.array_equal(wave, expected)


def test_tables_tell_scores_intervals_and_counts(page: str) -> None:
    words = Outline(page).words
    assert "STOI ↑" in words and "mel distance, nat ↓" in words
    row = words[words.index("rough") : words.index("fine")]
    assert row == ["rough", "400", "0.700", "0.650 to 0.740", "0.600", "0.500 to 0.700", "n = 3"]
    assert "command --with settings" in words
    assert "75.0% of 4 entries used; entropy 1.50 of 2.00 bits; perplexity 3" in words


def test_words_of_others_are_only_words(tmp_path: Path) -> None:
    save_run(tmp_path)
    path = tmp_path / FILE_NAME
    values = json.loads(path.read_text())
    values["title"] = values["note"] = values["systems"][1]["name"] = values["systems"][1]["family"] = HOSTILE
    values["metrics"]["stoi"]["title"] = values["metrics"]["stoi"]["unit"] = HOSTILE
    for clip in values["clips"]:
        clip["files"][HOSTILE] = clip["files"].pop("fine")
        clip["text"], clip["id"] = HOSTILE, clip["id"] + HOSTILE
    path.write_text(json.dumps(values))
    page = report_page([load_run(tmp_path)])
    outline = Outline(page)
    assert outline.all("b") == [] and page.count("</script>") == 1
    assert outline.words.count(HOSTILE) >= 8
    assert any(each.get("data-label") == HOSTILE for each in outline.all("div", "sound"))


def test_what_is_not_there_has_no_section(tmp_path: Path) -> None:
    Report(title="nothing yet").save(tmp_path)
    outline = Outline(report_page([load_run(tmp_path)]))
    assert [each["href"] for each in outline.all("a")] == ["#scores"]
    assert outline.all("audio") == [] and "blind" not in {each.get("id") for each in outline.all("section")}


def test_numbers_keep_four_digits() -> None:
    assert [number(each) for each in (0.12345, 9.8765, 12.345, 98.76, 123.4, 12345.6)] == [
        *("0.123", "9.877", "12.35", "98.8", "123", "12,346")
    ]
    assert [megabytes(each) for each in (999, 123_456, 3_456_000)] == ["1 kB", "123 kB", "3.5 MB"]


def test_the_command_writes_a_page_and_says_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(tmp_path / "run")
    assert (
        cli.main(["report", str(tmp_path / "run"), "-o", str(tmp_path / "out"), "--title", "T & U", "--clips", "1"])
        == 0
    )
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "<title>T &amp; U</title>" in page and len(Outline(page).all("audio")) == 3
    assert capsys.readouterr().out == f"{tmp_path / 'out/index.html'}: {megabytes(len(page.encode()))}\n"
    assert cli.main(["report", str(tmp_path / "run"), "-o", str(tmp_path / "page.html")]) == 0
    assert len(Outline((tmp_path / "page.html").read_text(encoding="utf-8")).all("audio")) == 6


def test_a_bad_run_is_named_and_the_others_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(tmp_path / "run")
    arguments = [str(tmp_path / "none"), "-o", str(tmp_path / "out")]
    assert cli.main(["report", *arguments]) == 1
    assert not (tmp_path / "out").exists()
    capsys.readouterr()
    assert cli.main(["report", str(tmp_path / "run"), *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"audiovq: cannot read {tmp_path / 'none' / FILE_NAME}: No such file")
    assert (tmp_path / "out/index.html").exists()


def test_a_damaged_sound_is_named_and_the_old_page_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(tmp_path / "run")
    (tmp_path / "run/fine/one.wav").write_bytes(b"RIFF")
    (tmp_path / "page.html").write_text("old")
    assert cli.main(["report", str(tmp_path / "run"), "-o", str(tmp_path / "page.html")]) == 1
    assert "one.wav" in capsys.readouterr().err
    assert (tmp_path / "page.html").read_text() == "old"


def test_wrong_calls_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(tmp_path / "run")
    (tmp_path / "file").touch()
    run = str(tmp_path / "run")
    assert cli.main(["report", run, f"{run}/", "-o", str(tmp_path / "out")]) == 2
    assert cli.main(["report", run, "-o", str(tmp_path / "file")]) == 2
    assert "a RUN was given twice" in (message := capsys.readouterr().err) and "name a folder, or a file" in message
    with pytest.raises(SystemExit) as error:
        cli.main(["report", run])
    assert error.value.code == 2
