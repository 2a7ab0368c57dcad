"""The utterances: read from token tables, written with their symbols."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audiovq.system.files import write_atomically
from audiovq.tokens import Layout, TokenTable
from recipes.prepare_tts.config import PrepareTtsError

_COLUMNS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("utt_id", "speaker", "language", "text")),
        pa.field("symbols", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        pa.field("num_frames", pa.int64(), nullable=False),
    ]
)


@dataclass(kw_only=True)
class Row:
    """An utterance that may be used."""

    utt_id: str
    speaker: str
    language: str
    text: str
    seconds: float
    num_frames: int
    symbols: list[str] = field(default_factory=list)


def read_rows(tables: list[Path]) -> tuple[list[Row], Layout]:
    """All utterances of the tables. Raises: PrepareTtsError if they are of several models or share an id."""
    rows: dict[str, Row] = {}
    opened = [TokenTable(path) for path in tables]
    for path, table in zip(tables, opened, strict=True):
        if table.layout != opened[0].layout:
            raise PrepareTtsError(f"{path} has codes of {table.layout.model}, {tables[0]} of {opened[0].layout.model}")
        for entry in table.entries():
            if entry.utt_id in rows:
                raise PrepareTtsError(f"{path}: {entry.utt_id} is there a second time")
            rows[entry.utt_id] = Row(
                utt_id=entry.utt_id,
                speaker=entry.speaker or "",
                language=entry.language or "",
                text=entry.text or "",
                seconds=entry.num_samples / table.layout.sample_rate,
                num_frames=len(table.layout.matrix(entry, table.layout.num_levels - 1)),
            )
    if not rows:
        raise PrepareTtsError(f"no utterance in {', '.join(map(str, tables)) or 'tables=[]'}")
    return list(rows.values()), opened[0].layout


def write_symbols(path: Path, rows: list[Row]) -> None:
    """One split, all of it or nothing."""
    columns = [pa.array([getattr(row, column.name) for row in rows], column.type) for column in _COLUMNS]
    with write_atomically(path) as file:
        pq.write_table(pa.Table.from_arrays(columns, schema=_COLUMNS), file)
