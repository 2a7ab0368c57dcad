"""The tables of a data directory: what each one holds, reading it with all its problems, and writing it."""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audiovq.data.words import can_be_printed
from audiovq.system.files import write_atomically

_NOT_FOR_TEXT = re.compile(r"(?<!\w)(<s>|</s>|#0)(?!\w)", re.ASCII)
# float() would also take blanks of every kind, and 1_000.
_NUMBER = r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_IS_NUMBER = re.compile(_NUMBER)
_SEGMENT = re.compile(rf"(\S+)[ \t]+{_NUMBER}[ \t]+{_NUMBER}")
_ODD_BLANK = re.compile(r"[^\S \t]")


class DataDirError(ValueError):
    """A data directory that cannot be read or made: the message lists what is wrong, a line each."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and in which row of which table, where it is a row's fault."""

    kind: str
    where: str
    what: str
    row: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Kind:
    """What a table is keyed by (utterance, recording, speaker), and the values that Kaldi accepts in it."""

    keyed_by: str
    expected: str = "a value"
    accepts: Callable[[str], bool] = bool


def parse_segment(value: str) -> tuple[str, float, float]:
    """The recording, the start and the end in seconds of a line of segments.

    Raises: ValueError if it is not that.
    """
    match = _SEGMENT.fullmatch(value)
    if not match:
        raise ValueError(f"no segment: {value!r}")
    recording, start, end = match.groups()
    if not 0 <= float(start) < float(end) < float("inf"):
        raise ValueError(f"a segment from {start} to {end} s")
    return sys.intern(recording), float(start), float(end)


def _is_segment(value: str) -> bool:
    try:
        parse_segment(value)
    except ValueError:
        return False
    return True


def _is_positive(value: str) -> bool:
    return _IS_NUMBER.fullmatch(value) is not None and 0 < float(value) < float("inf")


def _is_one_word(value: str) -> bool:
    return bool(value) and " " not in value and "\t" not in value


def _is_text(value: str) -> bool:
    return _ODD_BLANK.search(value) is None and _NOT_FOR_TEXT.search(value) is None and can_be_printed(value)


_SECONDS = ("a number of seconds above 0", _is_positive)
_WARP = ("a number between 0.5 and 1.5", lambda value: _is_positive(value) and 0.5 < float(value) < 1.5)

# Every table that Kaldi's utils/validate_data_dir.sh knows.
KINDS = {
    "wav.scp": Kind("recording", "a path without ~, or a command and |", lambda value: value[:1] not in ("", "~", "|")),
    "segments": Kind("utterance", "a recording, a start, and an end in seconds that is after it", _is_segment),
    "utt2spk": Kind("utterance", "one speaker", _is_one_word),
    "spk2utt": Kind("speaker", "utterances"),
    "text": Kind("utterance", "printable words without <s>, </s> and #0, and no blanks but spaces and tabs", _is_text),
    "utt2lang": Kind("utterance"),
    "utt2dur": Kind("utterance", *_SECONDS),
    "reco2dur": Kind("recording", *_SECONDS),
    "utt2uniq": Kind("utterance"),
    "utt2warp": Kind("utterance", *_WARP),
    "utt2num_frames": Kind(
        "utterance", "a whole number above 0", lambda value: _is_positive(value) and float(value).is_integer()
    ),
    "feats.scp": Kind("utterance"),
    "vad.scp": Kind("utterance"),
    "cmvn.scp": Kind("speaker"),
    "spk2gender": Kind("speaker", "m or f", lambda value: value in ("m", "f")),
    "spk2warp": Kind("speaker", *_WARP),
    "reco2file_and_channel": Kind(
        "recording", "a file and A or B", lambda value: re.fullmatch(r"\S+[ \t]+(A|B|1)", value) is not None
    ),
}


@dataclass
class Table:
    """A table as it was read: its rows in the order of the file, and the number of the line of each."""

    path: Path
    rows: dict[str, str]
    lines: array[int]

    def where(self, key: str) -> str:
        """File and line of a row."""
        return f"{self.path}:{self._line_of[key]}"

    def well_formed(self) -> Iterator[tuple[str, str]]:
        """The rows whose values are what Kaldi accepts."""
        accepts = KINDS[self.path.name].accepts
        return ((key, value) for key, value in self.rows.items() if accepts(value))

    @cached_property
    def _line_of(self) -> dict[str, int]:
        return dict(zip(self.rows, self.lines, strict=True))


def sort_ids(ids: Iterable[str]) -> list[str]:
    """In the order of `LC_ALL=C sort`, by bytes: for UTF-8 that is the order of code points, which is Python's."""
    return sorted(ids)


def read_tables(
    folder: Path, problems: list[Problem], needed: Collection[str], names: Iterable[str] = KINDS
) -> dict[str, Table]:
    """Read each table that is needed or there; of rows with one id the first counts."""
    return {name: _read_table(folder / name, problems) for name in names if name in needed or (folder / name).exists()}


def _read_table(path: Path, problems: list[Problem]) -> Table:
    kind, table = KINDS[path.name], Table(path, {}, array("L"))
    try:
        with path.open("rb") as file:
            _read_rows(file, kind, table, problems)
    except OSError as error:
        problems.append(Problem("missing table", str(path), f"cannot be read: {error.strerror}"))
        return table
    if not table.rows:
        problems.append(Problem("missing table", str(path), f"holds no {kind.keyed_by}"))
    return table


def _read_rows(file: Iterable[bytes], kind: Kind, table: Table, problems: list[Problem]) -> None:
    def add(problem: str, what: str, key: str | None = None) -> None:
        row = None if key is None else (table.path.name, key)
        problems.append(Problem(problem, f"{table.path}:{number}", what, row))

    previous = ""
    for number, line in enumerate(file, start=1):
        try:
            words = line.decode().strip(" \t\r\n").replace("\t", " ", 1).split(" ", 1)
        except UnicodeDecodeError as error:
            what = f"not UTF-8: byte {line[error.start]:#04x} at position {error.start + 1}"
            add("not UTF-8", what, next(iter(line.split()), line).decode(errors="backslashreplace"))
            continue
        key, value = words[0], words[1].lstrip(" \t") if len(words) > 1 else ""
        if line[-1:] != b"\n":
            add("cut off", "the last line has no end: is the file cut off?", key)
        elif line[-2:] == b"\r\n":
            add("line end", "ends in a carriage return, as lines of Windows do")
        if not key:
            add("empty line", "an empty line")
            continue
        if key in table.rows:
            add("duplicate id", f"{key} is there twice", key)
            continue
        if key < previous:
            add("order", f"{key} is out of order: sort with LC_ALL=C")
        previous = key
        if not key.isprintable():
            add("id", f"the id {key!r} holds what cannot be printed", key)
        if not kind.accepts(value):
            add("value", f"{key} has {value!r}, expected {kind.expected}", key)
        # One copy of an id serves all tables, which is most of the memory of a large directory.
        table.rows[sys.intern(key)] = value
        table.lines.append(number)


def write_table(path: Path, rows: Mapping[str, str]) -> None:
    """Write a table in order, whole or not at all.

    Raises: DataDirError for an id or a value that would not come back.
    """
    for key, value in rows.items():
        if not key or " " in key or not key.isprintable() or "\n" in value or "\r" in value:
            raise DataDirError(f"{path}: expected an id without blanks and a value of one line, got {key!r}: {value!r}")
    with write_atomically(path) as file:
        file.writelines(f"{f'{key} {rows[key]}'.rstrip()}\n".encode() for key in sort_ids(rows))
