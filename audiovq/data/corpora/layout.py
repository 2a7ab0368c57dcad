"""What the listings of corpora share: where a corpus lies, its tables of text, what is held out, how it is fetched."""

from __future__ import annotations

import csv
import hashlib
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from audiovq.data.corpora.utterance import CorpusError

HELD_OUT_ONE_IN = 20
_LONGEST_FIELD = 1 << 24  # the csv module refuses more than 128 KiB, and some tables hold whole biographies
# As the parts of corpora are called, in full or up to a hyphen.
_OFFICIAL = {"train": "train", "dev": "valid", "valid": "valid", "test": "test"}
_OFFICIAL |= {"training": "train", "validation": "valid"}


def corpus_folder(root: Path, names: Sequence[str], marker: str, home: str) -> Path:
    """The folder with a file like `marker`: `root` itself, or what archives unpack to in it, one of `names`.

    Raises: CorpusError with where to get the corpus.
    """
    for folder in (root, *(root / name for name in names)):
        if any(folder.glob(marker)):
            return folder
    places = " or ".join(str(root / name / marker) for name in names or ("",))
    raise CorpusError(f"{root} does not hold the corpus: expected {places}. Get it from {home} and unpack it there")


@contextmanager
def fetching(root: Path, home: str) -> Iterator[None]:
    """Make the folder, and of whatever stops a download one sentence.

    Raises: CorpusError with where to get the corpus.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, RuntimeError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise CorpusError(
            f"the download failed: {error or type(error).__name__}. Get it from {home} and unpack it in {root}"
        ) from error


def by_hand(root: Path, home: str) -> CorpusError:
    """What to tell people who ask for the download of a corpus that no library fetches."""
    return CorpusError(f"this corpus has to be downloaded by hand: get it from {home} and unpack it in {root}")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file. Raises: CorpusError if it is missing or not UTF-8."""
    try:
        return path.read_text("utf-8-sig").rstrip("\n").split("\n")  # read_text makes \n of \r\n
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def read_rows(path: Path, columns: Sequence[str], delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table whose first line names its columns; one with tabs knows no quotes.

    Raises: CorpusError if it cannot be read or lacks one of `columns`.
    """
    return rows_of(path, list(cells(path, delimiter)), columns)


def cells(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    """The cells of a table, row by row. Raises: CorpusError if it cannot be read."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if delimiter == "\t":
                yield from csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE)
            else:
                yield from csv.reader(file, delimiter=delimiter)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path} is not a table of UTF-8 text: {error}") from error


def rows_of(path: Path, table: list[list[str]], columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows below the first by its names.

    Raises: CorpusError if one of `columns` is not there, or a row is cut off.
    """
    header = table[0] if table else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise CorpusError(f"{path} has no column {', '.join(missing)}: its first line is {header}")
    for number, row in enumerate(table[1:], start=2):
        if len(row) != len(header):
            raise CorpusError(f"{path}: row {number} has {len(row)} cells, expected {len(header)}")
    return [dict(zip(header, row, strict=True)) for row in table[1:]]


def official_split(part: str) -> str:
    """The split that a part of a corpus is meant for: train-clean-100 is train, dev and validation are valid.

    Raises: CorpusError for another name.
    """
    try:
        return _OFFICIAL[part.split("-")[0]]
    except KeyError:
        raise CorpusError(f"{part!r} is the name of no known split, expected one of {', '.join(_OFFICIAL)}") from None


def hold_out(
    names: Iterable[str], splits: Sequence[str] = ("test", "valid"), one_in: int = HELD_OUT_ONE_IN
) -> dict[str, str]:
    """The split of each name: one in `one_in`, at least one, for each of `splits`, the others for train.

    The draw is by a hash of the names, so that it is the same on every machine.
    """
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    share = max(1, len(order) // one_in)
    draw = dict.fromkeys(order, "train")
    for number, split in enumerate(splits):
        draw.update(dict.fromkeys(order[number * share : (number + 1) * share], split))
    return draw
