"""The files of corpora in miniature."""

import csv
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

SECONDS = 0.4
FORMATS = {".opus": ("OGG", "OPUS"), ".ogg": ("OGG", "VORBIS")}


def noise(name: str, sample_rate: int, channels: int = 1) -> np.ndarray:
    """What no other name has. Shape: (T, C)"""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    return random.uniform(-0.1, 0.1, (int(SECONDS * sample_rate), channels))


def sound(path: Path, sample_rate: int, channels: int = 1, **tags: str) -> None:
    """Noise that no other file has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file_format, subtype = FORMATS.get(path.suffix, (None, None))
    with soundfile.SoundFile(path, "w", sample_rate, channels, subtype, format=file_format) as file:
        for name, value in tags.items():
            setattr(file, name, value)
        file.write(noise(str(path), sample_rate, channels))


def words(path: Path, *lines: str) -> None:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def table(path: Path, rows: Iterable[Iterable[str]], delimiter: str = ",") -> None:
    """A table of cells, with quotes only where there are commas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        if delimiter == ",":
            csv.writer(file, lineterminator="\n").writerows(rows)
        else:
            file.writelines(delimiter.join(row) + "\n" for row in rows)
