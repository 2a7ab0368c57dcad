"""What an extraction has done so far, in OUT/parts, until `audiovq.tokens.merge` makes a table of it.

A part is a parquet file of some utterances in any order, and is called by the SHA-256 of its bytes: so any number of
processes may add parts, and a damaged one is known. What failed is in failed-SHARD.jsonl, one file a shard.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.tokens.columns import to_arrow
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.manifest import MANIFEST, Manifest, sha256
from audiovq.tokens.table import open_parquet
from audiovq.tokens.writer import parquet_writer

FAILED = "failed.jsonl"


@dataclass(frozen=True)
class Failure:
    """An utterance without codes, and why. where: the row that names its sound, file and line, if a table does."""

    utt_id: str
    source: str
    error: str
    where: str = ""


class Parts:
    """The parts of the folder of a table to be."""

    def __init__(self, out: Path, layout: Layout) -> None:
        self.out, self.folder, self.layout = out, out / "parts", layout

    def write(self, entries: Sequence[Entry]) -> None:
        """Add a part, whole or not at all."""
        content = io.BytesIO()
        with parquet_writer(content, self.layout) as writer:
            writer.write_table(to_arrow(entries, self.layout))
        self.folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(self.folder / f"{hashlib.sha256(content.getvalue()).hexdigest()}.parquet") as file:
            file.write(content.getvalue())

    def write_failures(self, shard: str, failures: Iterable[Failure]) -> None:
        """Replace what the shard has said failed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_failures(self.folder / f"failed-{shard}.jsonl", failures)

    def failures(self) -> dict[str, Failure]:
        """By id, of all shards, and before them of the table so far."""
        files = [self.out / FAILED, *sorted(self.folder.glob("failed-*.jsonl"))]
        return {failure.utt_id: failure for file in files if file.exists() for failure in load_failures(file)}

    def files(self) -> Iterator[Path]:
        """Every part whose bytes are what was written; a damaged one goes, and its utterances are done again."""
        for path in sorted(self.folder.glob("*.parquet")):
            with path.open("rb") as file:
                is_whole = sha256(file) == path.stem
            if is_whole:
                yield path
            else:
                path.unlink()

    def done_ids(self) -> set[str]:
        """The ids in the parts, and in the table that they will be added to.

        Raises: TokenTableError when these are codes of another model.
        """
        files = list(self.files())
        if (self.out / MANIFEST).exists():
            files += [self.out / entry.name for entry in self._manifest().files]
        done: set[str] = set()
        for path in files:
            if path.exists():  # else it is a part by now, see take_apart
                with open_parquet(path, self.layout) as file:
                    done.update(file.read(columns=["utt_id"]).column(0).to_pylist())
        return done

    def has_new(self) -> bool:
        """Whether there is something that no table holds, or no table."""
        return not (self.out / MANIFEST).exists() or any(self.folder.glob("*.parquet"))

    def take_apart(self) -> None:
        """Make parts of the files of a table: the manifest goes last, so that it names what is still to be moved."""
        if not (self.out / MANIFEST).exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for entry in self._manifest().files:
            if (self.out / entry.name).exists():
                (self.out / entry.name).replace(self.folder / f"{entry.sha256}.parquet")
        (self.out / MANIFEST).unlink()

    def remove(self, files: Iterable[Path]) -> None:
        """Delete parts and lists of failures that a table has taken in; a part that came meanwhile stays."""
        for path in [*files, *self.folder.glob("failed-*.jsonl")]:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # not there, or not empty
            remove_unfinished(self.folder)
            self.folder.rmdir()

    def _manifest(self) -> Manifest:
        manifest = Manifest.load(self.out)
        if manifest.layout != self.layout:
            raise TokenTableError(
                f"{self.out} holds codes of {manifest.layout.model}, not of {self.layout.model}: name another folder"
            )
        return manifest


def save_failures(path: Path, failures: Iterable[Failure]) -> None:
    """One line a failure, in the order of the ids; no failure, no file."""
    lines = sorted(failures, key=lambda failure: failure.utt_id.encode())
    if not lines:
        path.unlink(missing_ok=True)
        return
    with write_atomically(path) as file:
        file.writelines(f"{json.dumps(asdict(failure), ensure_ascii=False)}\n".encode() for failure in lines)


def load_failures(path: Path) -> list[Failure]:
    """Raises: TokenTableError when it is not such a file."""
    try:
        return [Failure(**json.loads(line)) for line in path.read_bytes().splitlines()]
    except (ValueError, TypeError) as error:
        raise TokenTableError(f"{path} is no list of failures: {error}") from error
