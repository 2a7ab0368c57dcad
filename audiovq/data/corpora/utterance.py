"""What every corpus lists: utterances, each with its voice, its text and where its sound lies."""

from __future__ import annotations

import dataclasses
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

SPLITS = ("train", "valid", "test")


class CorpusError(ValueError):
    """A corpus that cannot be listed or fetched: the message says what is missing and how to get it."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Sound on disk: a whole file, `num_bytes` bytes of one starting at `offset_bytes`, or a member of a zip archive.

    `codec` is "file" for whatever libsndfile recognises by itself, or "g722" for raw 64 kbit/s G.722.
    """

    path: Path
    codec: str = "file"
    offset_bytes: int = 0
    num_bytes: int | None = None
    member: str = ""

    @property
    def is_whole_file(self) -> bool:
        return self.num_bytes is None and not self.member

    def read_bytes(self) -> bytes:
        """The bytes of the sound. Raises: OSError, or zipfile.BadZipFile if the archive is damaged."""
        if self.member:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        with self.path.open("rb") as file:
            file.seek(self.offset_bytes)
            return file.read() if self.num_bytes is None else file.read(self.num_bytes)

    def __str__(self) -> str:
        part = "" if self.num_bytes is None else f" (bytes {self.offset_bytes}+{self.num_bytes})"
        return f"{self.path}{part}" + (f" ({self.member})" if self.member else "")


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recording of one voice; a non-empty `drop_reason` keeps it out of the data.

    In music a voice is what should be on one side of a split: an album, an artist or an instrument. `labels` are what
    else is known of it, such as its composer.
    """

    id: str
    speaker: str
    language: str
    source: Source
    text: str = ""
    split: str = "train"
    drop_reason: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Corpus(Protocol):
    """A corpus on disk."""

    def utterances(self) -> Iterator[Utterance]:
        """List every recording, each once.

        Raises: CorpusError if the corpus is not there or incomplete.
        """

    def download(self) -> None:
        """Fetch what is missing.

        Raises: CorpusError if that fails or is for people to do, with where the corpus can be had.
        """


def make_id(speaker: str, name: str) -> str:
    """An utterance id that starts with its speaker, as Kaldi wants, and holds no blank."""
    return speaker + "-" + slug(name.replace("/", "-"), keep="-")


def slug(name: str, keep: str = "") -> str:
    """The name with an underscore for whatever is neither a letter nor a digit nor in `keep`.

    The names of speakers keep no `-`: it follows them in ids, which then sort as their speakers do.
    """
    return re.sub(rf"[^\w{re.escape(keep)}]+", "_", name)
