"""JSON lines about utterances, with their codes or without."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audiovq.tokens.layout import Entry, TokenTableError

UTTERANCES = "utterances.jsonl"


def about(entry: Entry) -> dict[str, Any]:
    """All but the codes."""
    return {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "levels"}


def to_line(values: dict[str, Any]) -> bytes:
    """A line of a file of JSON lines."""
    return f"{json.dumps(values, ensure_ascii=False)}\n".encode()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Raises: TokenTableError for a line that is not a JSON object."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    values = json.loads(line)
                    values["utt_id"]  # every one has that
                except (ValueError, TypeError, KeyError) as error:
                    raise TokenTableError(f"{path}:{number}: expected a JSON object about an utterance") from error
                yield values
    except FileNotFoundError as error:
        raise TokenTableError(f"{path} is missing") from error


def make_entry(values: dict[str, Any], levels: Any, where: Path) -> Entry:
    """Raises: TokenTableError for unknown, missing or wrong fields."""
    try:
        entry = Entry(levels=tuple(levels), **values)
    except TypeError as error:
        raise TokenTableError(f"{where}: {values.get('utt_id')}: {error}") from error
    for field in dataclasses.fields(Entry):
        value, kind = getattr(entry, field.name), field.type
        expected = (int,) if kind == "int" else (str,) if kind == "str" else (str, type(None))
        if field.name != "levels" and type(value) not in expected:
            raise TokenTableError(f"{where}: {entry.utt_id}: {field.name} is {value!r}, expected {kind}")
    return entry
