"""Scores as sound: read by music21, played by FluidSynth with a General MIDI soundfont."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from audiovq.audio.pitch_classes import TONICS
from audiovq.system.files import write_atomically
from audiovq.system.optional import optional_package

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
_RATE = 44_100
_GAIN = 0.5  # a string quartet then peaks at about -2 dB of full scale
_LONGEST_SECONDS = 300.0  # FluidSynth is stopped after so many: it waits for notes that never end
_SILENCE = 1e-3  # of full scale: FluidSynth goes on for seconds after a score
# Who plays parts for which the score names nobody: programs of General MIDI.
PROGRAMS = {
    "piano": 0,
    "harpsichord": 6,
    "church organ": 19,
    "guitar": 24,
    "harp": 46,
    "strings": 48,
    "choir": 52,
    "flute": 73,
}
TRANSPOSITIONS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)  # in semitones, of variants
# Of scores that do not tell theirs: a beat lasts 7, 6, 5 or 4 of the coarsest frames of music-32k, which are 128 ms, so
# that what has the same place in a beat has alike codes.
BEATS_PER_MINUTE = tuple(60 / (0.128 * frames) for frames in (7, 6, 5, 4))


class ScoreError(ValueError):
    """A score that cannot be read or played."""


@dataclass(frozen=True)
class ScoreFile:
    """A file of one score, or a book of many tunes; `composer` is that of all, if it is known.

    variant: of 0 the notes are those that are written; others are in another key, which the target's name draws.
    retimed: it is played in one of BEATS_PER_MINUTE, whatever it says.
    """

    path: Path
    composer: str = ""
    variant: int = 0
    retimed: bool = False


def render(file: ScoreFile, target: Path, soundfont: Path = SOUNDFONT) -> None:
    """Write TARGET.json, a list of what the file holds, and the sound of each: TARGET.flac, of a book TARGET-1.flac ...

    Each has "file" and "labels" (composer, title, key, meter, bpm, instrument), or "reason" why it has no sound; "tune"
    is its title where it is one of a book. What TARGET.json lists is there; without it nothing is.

    Raises: ScoreError without FluidSynth; ModuleNotFoundError without music21.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of music21 on what it guesses
        try:
            parsed = optional_package("music21.converter", "music").parse(file.path)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # of whatever kind music21's many readers raise
            records.append({"reason": f"music21 cannot read it: {error!r}"})
        else:
            is_book = type(parsed).__name__ == "Opus"
            if is_book and len({_title(score) for score in parsed.scores}) == 1:  # the parts of one piece
                parsed, is_book = parsed.mergeScores(), False
            for number, score in enumerate(parsed.scores if is_book else [parsed], start=1):
                sound = target.with_name(f"{target.name}-{number}.flac" if is_book else f"{target.name}.flac")
                record: dict[str, Any] = {"tune": _title(score)} if is_book else {}
                try:
                    semitones = TRANSPOSITIONS[_drawn(sound) % len(TRANSPOSITIONS)] if file.variant else 0
                    if file.retimed:
                        _forget_tempo(score)
                    record |= {
                        "labels": play(score, sound, soundfont, file.composer, semitones),
                        "file": sound.name,
                    }
                except ScoreError as error:
                    record["reason"] = str(error)
                records.append(record)
    with write_atomically(target.with_name(f"{target.name}.json")) as out:
        out.write((json.dumps(records, indent=1, ensure_ascii=False) + "\n").encode())


def play(score: Any, path: Path, soundfont: Path, composer: str = "", semitones: int = 0) -> dict[str, str]:
    """Write the sound of a music21 score, so many semitones higher, and return its labels.

    A score without a tempo, or without instruments, gets those that the name of the file draws.

    Raises: ScoreError when music21 makes no MIDI of it, or FluidSynth no sound.
    """
    seed = _drawn(path)
    try:
        if not score.flatten().notes:
            raise ScoreError("it has no notes")
        if semitones:
            score = score.transpose(semitones)
        labels = {
            "composer": composer or (score.metadata.composer if score.metadata else None) or "",
            "title": _title(score),
            "key": _key(score),
            "meter": _meter(score),
            "bpm": _tempo(score, seed),
            "instrument": _instrument(score, seed // len(BEATS_PER_MINUTE)),
        }
        for note in list(score.recurse().notes):
            if note.duration.isGrace:  # in MIDI it lasts no time, ends before it begins, and sounds to the end
                note.activeSite.remove(note)
        with tempfile.TemporaryDirectory() as folder:
            midi = score.write("midi", Path(folder) / "score.mid")
            _synthesise(Path(midi), path, soundfont)
    except (ScoreError, ModuleNotFoundError):
        raise
    except Exception as error:  # as above
        raise ScoreError(f"music21 makes no MIDI of it: {error!r}") from error
    return {name: value for name, value in labels.items() if value}


def _forget_tempo(score: Any) -> None:
    """Take all marks of tempo out of a music21 score."""
    for mark in list(_tempo_marks(score)):
        mark.activeSite.remove(mark)


def _drawn(path: Path) -> int:
    """What is random about a score: it follows from the name of its sound."""
    return zlib.crc32(path.stem.encode())


def _synthesise(midi: Path, path: Path, soundfont: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        flac = Path(folder) / path.name
        command = ["fluidsynth", "-niq", "-r", str(_RATE), "-g", str(_GAIN), "-T", "flac", "-F", str(flac)]
        try:
            subprocess.run(
                [*command, str(soundfont), str(midi)], check=True, capture_output=True, timeout=_LONGEST_SECONDS
            )
            wave, rate = soundfile.read(flac, dtype="float32", always_2d=True)
        except FileNotFoundError as error:
            raise ScoreError("there is no fluidsynth: apt-get install fluidsynth fluid-soundfont-gm") from error
        except (subprocess.SubprocessError, soundfile.LibsndfileError) as error:
            raise ScoreError(f"FluidSynth makes no sound of it: {error}") from error
        heard = (abs(wave).max(axis=1) > _SILENCE).nonzero()[0]
        if not len(heard):
            raise ScoreError("FluidSynth makes no sound of it")
        soundfile.write(flac, wave[: heard[-1] + 1], rate)
        flac.replace(path)


def _title(score: Any) -> str:
    title = (score.metadata.title or score.metadata.movementName or "") if score.metadata else ""
    # Readers put the name of the file where there is no title.
    return "" if re.search(r"\.(mxl|xml|musicxml|krn|abc)$", title) else " ".join(title.split())


def _key(score: Any) -> str:
    """As the notes tell: what is written is often a church mode, or the relative key."""
    key = score.analyze("key")
    return f"{TONICS[key.tonic.pitchClass]} {key.mode}"


def _meter(score: Any) -> str:
    signature = next(iter(score.recurse().getElementsByClass("TimeSignature")), None)
    return signature.ratioString if signature else ""


def _tempo(score: Any, seed: int) -> str:
    """Beats per minute, which are set if the score does not tell."""
    for mark in _tempo_marks(score):
        if number := mark.number or mark.numberSounding:  # the second is to be heard, and not to be seen
            return f"{round(number)} bpm"
    signature = next(iter(score.recurse().getElementsByClass("TimeSignature")), None)
    bpm = BEATS_PER_MINUTE[seed % len(BEATS_PER_MINUTE)]
    beat = signature.beatDuration if signature else None
    mark_class = optional_package("music21.tempo", "music").MetronomeMark
    score.insert(0, mark_class(number=bpm, referent=beat) if beat else mark_class(number=bpm))
    return f"{round(bpm)} bpm"


def _tempo_marks(score: Any) -> Any:
    return score.recurse().getElementsByClass("MetronomeMark")


def _instrument(score: Any, seed: int) -> str:
    """Who plays: the name of one, or ensemble; parts without anybody get a player."""
    known = [each for each in score.recurse().getElementsByClass("Instrument") if each.midiProgram is not None]
    if known:
        names = {each.instrumentName or type(each).__name__ for each in known}
        return names.pop().lower() if len(names) == 1 else "ensemble"
    name = list(PROGRAMS)[seed % len(PROGRAMS)]
    for part in score.parts or [score]:
        player = optional_package("music21.instrument", "music").Instrument()
        player.midiProgram = PROGRAMS[name]
        for unnamed in list(part.recurse().getElementsByClass("Instrument")):
            unnamed.activeSite.remove(unnamed)
        part.insert(0, player)
    return name
