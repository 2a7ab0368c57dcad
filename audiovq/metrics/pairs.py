"""Which sound belongs to which: the references and the results of two folders, or of two scp files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiovq.audio.io import AUDIO_SUFFIXES, list_audio
from audiovq.system.files import write_atomically


class PairError(ValueError):
    """Folders or tables from which no pairs can be made."""


@dataclass(frozen=True)
class Pair:
    """A sound and what became of it. `text` is what is said, where that is known, in `language` (a two-letter code)."""

    name: str
    reference: Path
    result: Path
    text: str | None = None
    language: str = ""


@dataclass(frozen=True)
class Matching:
    """Pairs in the order of their names; names that only the references have, and names that only the results have."""

    pairs: tuple[Pair, ...]
    without_result: tuple[str, ...]
    without_reference: tuple[str, ...]


def match(
    references: str | os.PathLike[str],
    results: str | os.PathLike[str],
    texts: Mapping[str, str] | None = None,
    languages: Mapping[str, str] | None = None,
    language: str = "",
) -> Matching:
    """Pair sounds whose path below their folder is the same but for the suffix, or whose key is the same in an scp.

    Args:
        texts: what is said, by name. languages: of some of the names; `language` is that of the others.
    Raises: PairError when nothing matches, or two sounds of one side have the same name.
    """
    first, second = find_sounds(references), find_sounds(results)
    names = sorted(first.keys() & second.keys())
    if not names:
        raise PairError(
            f"no sound of {results} has the name of one of {references}: expected the same paths but for the suffix, "
            f"got for example {min(second)!r} and {min(first)!r}"
        )
    pairs = [
        Pair(name, first[name], second[name], (texts or {}).get(name), (languages or {}).get(name, language))
        for name in names
    ]
    return Matching(tuple(pairs), tuple(sorted(first.keys() - second.keys())), tuple(sorted(second.keys() - first)))


def find_sounds(place: str | os.PathLike[str]) -> dict[str, Path]:
    """The sounds below a folder by their paths without suffix, or those of an scp file (a key and a path a line).

    Raises: PairError for a place that is neither, and for two sounds of one name; AudioError for an empty folder.
    """
    path = Path(place)
    if path.is_dir():
        found = [(_name(file.relative_to(path)), file) for file in list_audio([path])]
    elif path.suffix == ".scp" and path.is_file():
        found = [(name, Path(rest)) for name, rest in _lines(path)]
    else:
        raise PairError(f"{path}: expected a folder of sounds or a file that ends in .scp")
    sounds: dict[str, Path] = {}
    for name, file in found:
        if name in sounds:
            raise PairError(f"{sounds[name]} and {file} have the same name, {name!r}: nothing tells which is meant")
        sounds[name] = file
    return sounds


def read_table(path: str | os.PathLike[str]) -> dict[str, str]:
    """A Kaldi table, such as text or utt2lang: a key and a value a line."""
    return dict(_lines(Path(path)))


def write_scp(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write ref.scp and gen.scp, which VERSA and Kaldi read: keys without blanks, absolute paths.

    Raises: PairError when two names differ in their blanks alone.
    """
    keys = ["_".join(pair.name.split()) for pair in pairs]
    if len(set(keys)) < len(keys):
        raise PairError("two names differ in their blanks alone, and an scp file has no blanks in its keys")
    for name, files in (("ref.scp", [pair.reference for pair in pairs]), ("gen.scp", [pair.result for pair in pairs])):
        with write_atomically(folder / name) as scp:
            lines = [f"{key} {file.absolute()}\n" for key, file in zip(keys, files, strict=True)]
            scp.write("".join(lines).encode())


def _name(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() in AUDIO_SUFFIXES else path).as_posix()


def _lines(path: Path) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        key, _, value = line.strip().partition(" ")
        if path.suffix == ".scp" and (not value or value.rstrip().endswith("|")):
            raise PairError(f"{path}:{number}: expected a key and the path of a sound, got {line!r}")
        found.append((key, value.strip()))
    return found
