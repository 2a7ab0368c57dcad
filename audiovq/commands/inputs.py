"""Which files a command reads, and where the result of each goes."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from audiovq.audio.io import AUDIO_SUFFIXES
from audiovq.commands.arguments import UsageError
from audiovq.system.failures import one_line

CODES_SUFFIX = ".avq"
KNOWN_SUFFIXES = AUDIO_SUFFIXES | {CODES_SUFFIX}


@dataclass(frozen=True)
class Job:
    """One file to read and the file to write."""

    source: Path
    target: Path

    def is_done(self) -> bool:
        try:
            return self.target.exists()
        except OSError:  # a folder that may not be looked into: the attempt to write says so
            return False


def find_files(inputs: Iterable[str], suffixes: Collection[str]) -> tuple[dict[Path, Path], list[str]]:
    """Expand folders and glob patterns into files with their places below an output folder; say what yields none.

    A folder's files keep their places in it; those of a pattern their places below its last part without wildcards.
    """
    places: dict[Path, Path] = {}
    failures: list[str] = []
    for name in inputs:
        path, num_failures = Path(name), len(failures)
        try:
            if path.is_dir():
                root, files = path, _files_below(path, suffixes, failures)
            elif _is_pattern(name) and not path.exists():
                root = Path(*takewhile(lambda part: not _is_pattern(part), path.parts))
                files = []
                for match in map(Path, sorted(glob.glob(name, recursive=True))):
                    if match.is_dir():
                        files += _files_below(match, suffixes, failures)
                    elif match.suffix.lower() in suffixes:
                        files.append(match)
            else:
                root, files = path.parent, [path]
        except OSError as error:
            failures.append(one_line(path, error))
            continue
        if not files and len(failures) == num_failures:
            failures.append(f"{name}: holds no file that ends in {' '.join(sorted(suffixes))}")
        for file in files:
            places.setdefault(file, file.relative_to(root))
    return places, failures


def plan(places: Mapping[Path, Path], out: Path, suffixes: Sequence[str]) -> tuple[list[Job], list[str]]:
    """Name the output of each file: `out` when it ends in one of `suffixes`, else one below the folder `out`.

    Also returns a line for each file whose output is that of an earlier one.
    Raises: UsageError when `out` is a file for several inputs, or of another kind.
    """
    suffix = out.suffix.lower()
    if suffix in suffixes and not out.is_dir():
        if len(places) > 1:
            raise UsageError(f"-o {out} is one file, but there are {len(places)} inputs: name a folder")
        return [Job(source, out) for source in places], []
    if not out.is_dir() and (suffix in KNOWN_SUFFIXES or out.exists()):
        raise UsageError(f"-o {out}: expected a folder, or a file that ends in {' or '.join(suffixes)}")
    sources: dict[Path, Path] = {}
    failures = []
    for source, place in places.items():
        target = out / place.with_suffix(suffixes[0])
        if target in sources:
            failures.append(f"{source}: its output {target} is already that of {sources[target]}")
        sources.setdefault(target, source)
    return [Job(source, target) for target, source in sources.items()], failures


def _files_below(folder: Path, suffixes: Collection[str], failures: list[str]) -> list[Path]:
    def report(error: OSError) -> None:
        failures.append(one_line(Path(error.filename), error))

    files = []
    for parent, folders, names in os.walk(folder, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Hidden files are half-written ones and what file managers leave behind.
        visible = sorted(name for name in names if not name.startswith("."))
        files += [Path(parent, name) for name in visible if Path(name).suffix.lower() in suffixes]
    return files


def _is_pattern(name: str) -> bool:
    return any(wildcard in name for wildcard in "*?[")
