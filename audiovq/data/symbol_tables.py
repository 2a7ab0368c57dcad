"""Tables of utterances with their symbols, and of how long each symbol lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiovq.system.files import write_atomically

_COLUMNS = pa.schema(
    [
        pa.field("utt_id", pa.string(), nullable=False),
        pa.field("speaker", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("symbols", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
    ]
)
_DURATIONS = pa.field("durations", pa.list_(pa.field("element", pa.int16(), nullable=False)), nullable=False)


class SymbolTableError(ValueError):
    """A table that cannot be read, with the reason."""


@dataclass(frozen=True)
class Spoken:
    """An utterance and its symbols; num_frames are those of the tokenizer's finest level."""

    utt_id: str
    speaker: str
    language: str
    symbols: tuple[str, ...]
    num_frames: int


@dataclass(frozen=True, eq=False)
class Aligned:
    """An utterance and how many frames of the tokenizer's finest level each of its symbols lasts."""

    utt_id: str
    speaker: str
    language: str
    symbols: tuple[str, ...]
    durations: np.ndarray

    @property
    def num_frames(self) -> int:
        return int(self.durations.sum())


def read_symbols(path: Path) -> list[Spoken]:
    """What the preparation of a corpus for speech writes. Raises: SymbolTableError."""
    columns = _read(path, [*_COLUMNS.names, "num_frames"])
    return [
        Spoken(utt_id, speaker, language, tuple(symbols), frames)
        for utt_id, speaker, language, symbols, frames in columns
    ]


def read_alignments(path: Path) -> list[Aligned]:
    """What ``write_alignments`` has written. Raises: SymbolTableError."""
    items = [
        Aligned(utt_id, speaker, language, tuple(symbols), np.array(durations, np.int64))
        for utt_id, speaker, language, symbols, durations in _read(path, [*_COLUMNS.names, _DURATIONS.name])
    ]
    for item in items:
        if len(item.symbols) != len(item.durations):
            raise SymbolTableError(
                f"{path}: {item.utt_id} has {len(item.symbols)} symbols and {len(item.durations)} durations"
            )
    return items


def write_alignments(path: Path, items: Sequence[Aligned]) -> None:
    """The whole table or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = _COLUMNS.append(_DURATIONS)
    values = [[getattr(item, name) for item in items] for name in columns.names]
    arrays = [pa.array(column, field.type) for column, field in zip(values, columns, strict=True)]
    with write_atomically(path) as file:
        pq.write_table(pa.Table.from_arrays(arrays, schema=columns), file, compression="zstd")


def _read(path: Path, names: list[str]) -> list[tuple[Any, ...]]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SymbolTableError(f"{path}: cannot be read: {error}") from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise SymbolTableError(f"{path}: has no column {', '.join(missing)}; it has {', '.join(table.column_names)}")
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))
