"""The sentences that are spoken: those of a table, or a few for a first look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TRIAL = (
    "The boat left the harbour before the sun was up.",
    "Please write your name and number on the form.",
    "It has been raining since Tuesday, and the river is rising.",
    "Do you know when the next train leaves?",
)


@dataclass(frozen=True)
class Sentence:
    """speaker, language: who recorded it, in which language; None where nobody did."""

    name: str
    text: str
    speaker: str | None = None
    language: str | None = None


def read_sentences(path: Path | None, number: int, languages: Sequence[str] = ()) -> list[Sentence]:
    """So many sentences, or all with 0, evenly over the table; without a table, a few to try.

    Raises: ValueError when the table has other columns, or no sentence in these languages; OSError when it is missing.
    """
    if path is None:
        return [Sentence(f"trial-{index}", text) for index, text in enumerate(_TRIAL)][: number or None]
    from pyarrow import parquet  # of the extra `tokens`; no other benchmark needs it

    columns = ["utt_id", "text", "speaker", "language"]
    if missing := set(columns) - set(parquet.read_schema(path).names):
        raise ValueError(f"{path} has no column {', '.join(sorted(missing))}; expected {', '.join(columns)}")
    rows = parquet.read_table(path, columns=columns).to_pylist()
    found = [
        Sentence(row["utt_id"], row["text"], row["speaker"], row["language"])
        for row in rows
        if not languages or row["language"] in languages
    ]
    if not found:
        raise ValueError(f"{path} has no sentence in {', '.join(languages) or 'any language'}")
    number = min(number, len(found)) or len(found)
    return [found[index * len(found) // number] for index in range(number)]
