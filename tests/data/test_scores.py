"""Scores that are rendered: with music21, and a FluidSynth that only counts the notes of the MIDI it gets."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import music21
import pytest
import soundfile

from audiovq.data.corpora.rendered_scores import RenderedScores
from audiovq.data.corpora.utterance import CorpusError
from audiovq.data.scores import BEATS_PER_MINUTE, ScoreFile, render

TUNE = "X:{number}\nT:{title}\nM:6/8\nL:1/8\nK:G\n{notes}|\n"
# A second for each note that begins, and one of silence; without notes it fails, as FluidSynth does not.
FLUIDSYNTH = """#!{python}
import sys
import numpy, soundfile
from music21 import midi
file = midi.MidiFile()
file.open(sys.argv[-1])
file.read()
events = [event for track in file.tracks for event in track.events]
notes = [event for event in events if event.isNoteOn()]
programs = [event.data for event in events if event.type == midi.ChannelVoiceMessages.PROGRAM_CHANGE]
sound = numpy.full(100 * len(notes) + int(bool(programs)), 0.5)
soundfile.write(sys.argv[sys.argv.index("-F") + 1], numpy.concatenate([sound, numpy.zeros(100)]), 100)
"""


@pytest.fixture
def fluidsynth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin/fluidsynth"
    program.parent.mkdir()
    program.write_text(FLUIDSYNTH.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def tunes(path: Path, *titles: str, notes: str = "GAB c3") -> ScoreFile:
    path.write_text("\n".join(TUNE.format(number=n, title=title, notes=notes) for n, title in enumerate(titles, 1)))
    return ScoreFile(path, "Anna Magdalena")


def test_a_score_becomes_sound_with_labels(tmp_path: Path, fluidsynth: Path) -> None:
    render(tunes(tmp_path / "jig.abc", "A Jig", notes="GBd g2d gfe d2B G6"), tmp_path / "out/jig")
    (record,) = json.loads((tmp_path / "out/jig.json").read_text())
    labels = record["labels"]
    assert (labels["composer"], labels["title"]) == ("Anna Magdalena", "A Jig")
    assert (labels["key"], labels["meter"]) == ("G major", "6/8")
    assert labels["bpm"] in {f"{number} bpm" for number in (67, 78, 94, 117)} and labels["instrument"]
    assert soundfile.info(tmp_path / "out" / record["file"]).frames == 11 * 100 + 1  # eleven notes, and who plays them
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["jig.flac", "jig.json"]


def test_grace_notes_are_left_out(tmp_path: Path, fluidsynth: Path) -> None:
    render(tunes(tmp_path / "jig.abc", "A Jig", notes="{a}GAB {d}c3"), tmp_path / "jig")
    assert soundfile.info(tmp_path / "jig.flac").frames == 4 * 100 + 1


@pytest.mark.parametrize(
    ("retimed", "expected"), [(False, {"71 bpm"}), (True, {"67 bpm", "78 bpm", "94 bpm", "117 bpm"})]
)
def test_a_tempo_that_is_only_to_be_heard_counts_unless_it_is_retimed(
    tmp_path: Path, fluidsynth: Path, retimed: bool, expected: set[str]
) -> None:
    score: Any = music21.converter.parse(tunes(tmp_path / "jig.abc", "A Jig").path)
    score.parts[0].insert(0, music21.tempo.MetronomeMark(numberSounding=71))
    path = score.write("musicxml", tmp_path / "jig.musicxml")
    render(ScoreFile(Path(path), retimed=retimed), tmp_path / "jig")
    assert json.loads((tmp_path / "jig.json").read_text())[0]["labels"]["bpm"] in expected


@pytest.mark.parametrize("beats_per_minute", BEATS_PER_MINUTE)
def test_drawn_beats_last_whole_frames_of_music_32k(beats_per_minute: float) -> None:
    samples = 60 / beats_per_minute * 32_000
    assert samples / 4096 == pytest.approx(round(samples / 4096), abs=1e-9)


def test_the_key_is_that_of_the_notes(tmp_path: Path, fluidsynth: Path) -> None:
    render(tunes(tmp_path / "jig.abc", "A Jig", notes="E^GB e2B ^GBe e2^G E6"), tmp_path / "jig")  # below one sharp
    assert json.loads((tmp_path / "jig.json").read_text())[0]["labels"]["key"] == "E major"


def test_a_book_is_many_scores_but_parts_of_one_title_are_one(tmp_path: Path, fluidsynth: Path) -> None:
    render(tunes(tmp_path / "book.abc", "A Jig", "A Reel"), tmp_path / "book")
    records = json.loads((tmp_path / "book.json").read_text())
    assert [(each["tune"], each["file"]) for each in records] == [("A Jig", "book-1.flac"), ("A Reel", "book-2.flac")]
    render(tunes(tmp_path / "motet.abc", "A Motet", "A Motet"), tmp_path / "motet")
    (record,) = json.loads((tmp_path / "motet.json").read_text())
    assert "tune" not in record and soundfile.info(tmp_path / "motet.flac").frames == 8 * 100 + 1


def test_what_cannot_be_rendered_has_a_reason(tmp_path: Path, fluidsynth: Path) -> None:
    (tmp_path / "bad.xml").write_text("<no score>")
    render(ScoreFile(tmp_path / "bad.xml"), tmp_path / "bad")
    assert json.loads((tmp_path / "bad.json").read_text())[0]["reason"].startswith("music21 cannot read it: ")
    fluidsynth.write_text("#!/bin/sh\nexit 3\n")
    render(tunes(tmp_path / "jig.abc", "A Jig"), tmp_path / "jig")
    assert "FluidSynth makes no sound of it: " in json.loads((tmp_path / "jig.json").read_text())[0]["reason"]
    assert not (tmp_path / "jig.flac").exists()


def test_the_corpus_renders_what_is_not_there_yet(tmp_path: Path, fluidsynth: Path) -> None:
    corpus = RenderedScores(tmp_path / "root", folders=["ryansMammoth"], most=2, soundfont=str(fluidsynth))
    corpus.download()
    first = {utterance.id: utterance for utterance in corpus.utterances()}
    assert len(first) == 2 and all(utterance.source.path.exists() for utterance in first.values())
    fluidsynth.write_text("#!/bin/sh\nexit 3\n")  # is not called again
    corpus.download()
    assert {utterance.id: utterance for utterance in corpus.utterances()} == first


def test_scores_with_reserved_rights_are_taken_only_when_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fluidsynth: Path
) -> None:
    def files(folder: str, reserved: bool) -> list[str]:
        return [file.path.suffix for file, _ in RenderedScores(tmp_path, [folder], reserved=reserved)._files()]

    assert files("palestrina", False) == [] and files("palestrina", True) == [".krn"] * 1318
    assert ".krn" not in files("bach", False)
    assert "palestrina: 1318 scores left out" in " ".join(capfd.readouterr().err.split())
    nothing = RenderedScores(tmp_path, ["palestrina"], soundfont=str(fluidsynth))
    with pytest.raises(CorpusError, match=r"of palestrina reserve rights: corpus\.reserved=true takes them"):
        nothing.download()


def test_a_score_that_is_encoded_twice_is_rendered_once(tmp_path: Path) -> None:
    targets = [target for _, target in RenderedScores(tmp_path, ["bach"], reserved=True)._files()]
    assert tmp_path / "bach/bwv277" in targets and len(targets) == len(set(targets))


def test_variants_are_in_other_keys(tmp_path: Path, fluidsynth: Path) -> None:
    corpus = RenderedScores(tmp_path / "root", ["ryansMammoth"], most=1, variants=12, soundfont=str(fluidsynth))
    corpus.download()
    (target,) = [target for file, target in corpus._files() if not file.variant]
    found = {path.stem: json.loads(path.read_text())[0]["labels"] for path in target.parent.glob("*.json")}
    assert len(found) == 13
    own = found.pop(target.name)
    assert all(labels["key"] != own["key"] for labels in found.values())
    assert {labels["key"].split()[1] for labels in found.values()} == {own["key"].split()[1]}
    for kind in ("key", "bpm", "instrument"):
        assert len({labels[kind] for labels in found.values()}) > 2, kind
    assert {soundfile.info(target.with_name(f"{stem}.flac")).frames for stem in found} == {
        soundfile.info(target.with_name(f"{target.name}.flac")).frames
    }


def test_what_is_missing_is_said(tmp_path: Path, fluidsynth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorpusError, match=r"music21's corpus has no bax, expected some of airdsAirs, "):
        RenderedScores(tmp_path, folders=["bax"], soundfont=str(fluidsynth)).download()
    with pytest.raises(CorpusError, match="holds no rendered score: first run this with step=download"):
        list(RenderedScores(tmp_path / "nothing").utterances())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorpusError, match="apt-get install fluidsynth fluid-soundfont-gm"):
        RenderedScores(tmp_path).download()
