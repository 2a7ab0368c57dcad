"""What every corpus lists: utterances, each with its voice, its text and where its sound lies."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

SPLITS = ("train", "valid", "test")


class CorpusError(ValueError):
    """A corpus that cannot be listed: the message says what is missing and how to get it."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Sound on disk: a whole file, or `num_bytes` bytes of a file starting at `offset_bytes`.

    `codec` is "file" for whatever libsndfile recognises by itself, or "g722" for raw 64 kbit/s G.722.
    """

    path: Path
    codec: str = "file"
    offset_bytes: int = 0
    num_bytes: int | None = None

    def __str__(self) -> str:
        part = "" if self.num_bytes is None else f" (bytes {self.offset_bytes}+{self.num_bytes})"
        return f"{self.path}{part}"


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recording of one voice; a non-empty `drop_reason` keeps it out of the data."""

    id: str
    speaker: str
    language: str
    source: Source
    text: str = ""
    split: str = "train"
    drop_reason: str = ""


class Corpus(Protocol):
    """A corpus on disk."""

    def utterances(self) -> Iterator[Utterance]:
        """List every recording, each once.

        Raises: CorpusError if the corpus is not there or incomplete.
        """


def make_id(speaker: str, name: str) -> str:
    """An utterance id that starts with its speaker, as Kaldi wants, and holds no blank."""
    return speaker + "-" + re.sub(r"[^\w-]+", "_", name.replace("/", "-"))


def squeeze(text: str) -> str:
    """The text on one line with single blanks."""
    return " ".join(text.split())
