"""Kaldi data directories: plain text tables with one line an utterance, in the order of `LC_ALL=C sort`.

wav.scp (path of the sound), utt2spk, spk2utt; and where known text, utt2lang, utt2dur (seconds). Ids are strings.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import soundfile

from audiovq import units
from audiovq.files import write_atomically

_DURATION_TOLERANCE_SECONDS = 0.01


class DataDirError(ValueError):
    """A data directory that cannot be read: the message lists what is wrong with it."""


@dataclasses.dataclass
class DataDir:
    """The tables of a data directory. All have the same keys; an utterance without words has an empty text."""

    wav_scp: dict[str, str]
    utt2spk: dict[str, str]
    text: dict[str, str] | None = None
    utt2lang: dict[str, str] | None = None
    utt2dur: dict[str, float] | None = None

    @property
    def spk2utt(self) -> dict[str, list[str]]:
        """The utterances of each speaker."""
        utterances = defaultdict(list)
        for utterance in sort_ids(self.utt2spk):
            utterances[self.utt2spk[utterance]].append(utterance)
        return dict(utterances)

    def save(self, path: str | Path) -> None:
        """Write the tables, each through a temporary file, so that none is ever seen half written.

        Raises: DataDirError for an id or a value that would not come back from a file.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        durations = None if self.utt2dur is None else {key: f"{seconds:.6f}" for key, seconds in self.utt2dur.items()}
        tables: dict[str, dict[str, str] | None] = {
            "text": self.text,
            "utt2lang": self.utt2lang,
            "utt2dur": durations,
            "utt2spk": self.utt2spk,
            "spk2utt": {speaker: " ".join(utterances) for speaker, utterances in self.spk2utt.items()},
            "wav.scp": self.wav_scp,  # last: a folder with it is complete
        }
        for name, table in tables.items():
            if table is None:
                (folder / name).unlink(missing_ok=True)
            else:
                _write_table(folder / name, table)

    @classmethod
    def load(cls, path: str | Path) -> DataDir:
        """Read a data directory.

        Raises: DataDirError if a table is missing or malformed, with every such problem.
        """
        data, problems = _read(Path(path))
        if problems:
            raise DataDirError("\n".join(problems))
        return data


def validate(path: str | Path, sample_rate: int | None = None) -> list[str]:
    """Everything that is wrong with a data directory and the sound files it names; an empty list if nothing is."""
    folder = Path(path)
    data, problems = _read(folder)
    problems += _check_keys(folder, data) + _check_speakers(folder, data) + _check_sounds(folder, data, sample_rate)
    return problems


def sort_ids(ids: Mapping[str, object]) -> list[str]:
    """The keys in the order of `LC_ALL=C sort`: by their bytes."""
    return sorted(ids, key=str.encode)


def _write_table(path: Path, table: Mapping[str, str]) -> None:
    for key, value in table.items():
        if not key or key.split() != [key] or "\n" in value or "\r" in value:
            raise DataDirError(f"{path}: expected an id without blanks and a value of one line, got {key!r}: {value!r}")
    with write_atomically(path) as file:
        file.writelines(f"{f'{key} {table[key]}'.rstrip()}\n".encode() for key in sort_ids(table))


def _read(folder: Path) -> tuple[DataDir, list[str]]:
    problems: list[str] = []

    def table(name: str, may_be_empty: bool = False) -> dict[str, str]:
        return _read_table(folder / name, problems, may_be_empty)

    def optional(name: str, may_be_empty: bool = False) -> dict[str, str] | None:
        return table(name, may_be_empty) if (folder / name).exists() else None

    durations = optional("utt2dur")
    data = DataDir(
        wav_scp=table("wav.scp"),
        utt2spk=table("utt2spk"),
        text=optional("text", may_be_empty=True),
        utt2lang=optional("utt2lang"),
        utt2dur=None if durations is None else _parse_durations(folder / "utt2dur", durations, problems),
    )
    return data, problems


def _read_table(path: Path, problems: list[str], may_be_empty: bool) -> dict[str, str]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    if lines.pop() != b"":
        problems.append(f"{path}: the last line has no end: is the file cut off?")
    table: dict[str, str] = {}
    previous = b""
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        try:
            key, *rest = re.split("[ \t]+", line.decode("utf-8").strip(" \t\r"), maxsplit=1)
        except UnicodeDecodeError as error:
            problems.append(f"{where}: not UTF-8: byte {line[error.start]:#04x} at position {error.start + 1}")
            continue
        if line.endswith(b"\r"):
            problems.append(f"{where}: ends in a carriage return, as lines of Windows do")
        if not key:
            problems.append(f"{where}: an empty line")
            continue
        if not rest and not may_be_empty:
            problems.append(f"{where}: {key} has no value")
        if key in table:
            problems.append(f"{where}: {key} is there twice")
        elif key.encode() < previous:
            problems.append(f"{where}: {key} is out of order: sort with LC_ALL=C")
        table.setdefault(key, "".join(rest))
        previous = key.encode()
    if not table:
        problems.append(f"{path}: holds no utterance")
    return table


def _parse_durations(path: Path, table: dict[str, str], problems: list[str]) -> dict[str, float]:
    durations = {}
    for key, value in table.items():
        try:
            durations[key] = float(value)
        except ValueError:
            problems.append(f"{path}: {key} has the duration {value!r}, expected seconds")
    return durations


def _check_keys(folder: Path, data: DataDir) -> list[str]:
    tables = {"utt2spk": data.utt2spk, "text": data.text, "utt2lang": data.utt2lang, "utt2dur": data.utt2dur}
    problems = []
    for name, table in tables.items():
        if table is not None:
            problems += [
                f"{folder / name}: {key} is missing, but wav.scp has it" for key in data.wav_scp if key not in table
            ]
            problems += [f"{folder / name}: {key} is not in wav.scp" for key in table if key not in data.wav_scp]
    return problems


def _check_speakers(folder: Path, data: DataDir) -> list[str]:
    problems = [
        f"{folder / 'utt2spk'}: {utterance} does not start with its speaker, {speaker}"
        for utterance, speaker in data.utt2spk.items()
        if not utterance.startswith(speaker)
    ]
    speakers = [data.utt2spk[utterance].encode() for utterance in sort_ids(data.utt2spk)]
    if speakers != sorted(speakers):
        problems.append(
            f"{folder / 'utt2spk'}: sorted by utterance it is not sorted by speaker: put a - after the speaker"
        )
    table_problems: list[str] = []
    written = _read_table(folder / "spk2utt", table_problems, may_be_empty=False)
    if not table_problems and {speaker: line.split() for speaker, line in written.items()} != data.spk2utt:
        table_problems.append(f"{folder / 'spk2utt'}: is not the inverse of utt2spk")
    return problems + table_problems


def _check_sounds(folder: Path, data: DataDir, sample_rate: int | None) -> list[str]:
    """Missing, unreadable and empty files, wrong rates, channels and durations, and one file under two ids."""
    scp = folder / "wav.scp"
    problems = []
    first_with: dict[str, str] = {}
    for key, path in data.wav_scp.items():
        where = f"{scp}: {key}: {path}"
        if first_with.setdefault(path, key) != key:
            problems.append(f"{where}: the same file as {first_with[path]}")
        if not os.path.exists(path):
            is_command = path.endswith("|")
            problems.append(
                f"{where}: {'is a command, expected the path of a file' if is_command else 'does not exist'}"
            )
            continue
        try:
            header = soundfile.info(path)
        except soundfile.LibsndfileError as error:
            forbidden = not os.access(path, os.R_OK)
            problems.append(f"{where}: {'may not be read' if forbidden else f'is not sound: {error.error_string}'}")
            continue
        sample_rate = sample_rate or header.samplerate
        if header.samplerate != sample_rate:
            problems.append(f"{where}: {header.samplerate} Hz, expected {sample_rate}")
        if header.channels != 1:
            problems.append(f"{where}: {header.channels} channels, expected 1")
        if header.frames == 0:
            problems.append(f"{where}: has no samples")
        seconds = units.samples_to_seconds(header.frames, header.samplerate)
        told = seconds if data.utt2dur is None else data.utt2dur.get(key, seconds)
        if abs(told - seconds) > _DURATION_TOLERANCE_SECONDS:
            problems.append(f"{where}: lasts {seconds:.3f} s, but utt2dur says {told:.3f}")
    return problems
