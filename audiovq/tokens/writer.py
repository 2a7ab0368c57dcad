"""Rows to the parquet files of a token table. The same rows give the same bytes, however they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.tokens.columns import level_name, schema, to_arrow
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.manifest import MANIFEST, Manifest, TableFile, sha256

ROWS_PER_GROUP = 1024
ROWS_PER_FILE = 64 * ROWS_PER_GROUP
_FILES = "tokens-*.parquet"


def write_table(folder: Path, layout: Layout, tables: Iterable[pa.Table]) -> Manifest:
    """Write the rows of arrow tables, sorted by id already, then the manifest.

    What lies there of a table without a manifest is of a write that was cut off, and goes.

    Raises: TokenTableError when there is a table, or the ids are not sorted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MANIFEST).exists():
        raise TokenTableError(f"{folder} holds a token table already: name another folder")
    remove_unfinished(folder)
    for path in folder.glob(_FILES):
        path.unlink()
    files: list[TableFile] = []
    totals = [0] * (1 + layout.num_levels)
    last_id = b""
    groups = _regrouped(tables, ROWS_PER_GROUP)
    group = next(groups, None)
    while group is not None:
        name = _FILES.replace("*", f"{len(files):05d}")
        num_rows = 0
        with write_atomically(folder / name) as file:
            with parquet_writer(file, layout) as writer:
                while group is not None and num_rows < ROWS_PER_FILE:
                    last_id = _check_order(group, last_id)
                    totals = [sum(pair) for pair in zip(totals, _totals(group, layout), strict=True)]
                    writer.write_table(group, row_group_size=ROWS_PER_GROUP)
                    num_rows += group.num_rows
                    group = next(groups, None)
            files.append(TableFile(name, num_rows, sha256(file)))
    num_samples, *num_tokens = totals
    manifest = Manifest(layout, sum(f.num_rows for f in files), num_samples, tuple(num_tokens), tuple(files))
    manifest.save(folder)
    return manifest


def arrow_tables(entries: Iterable[Entry], layout: Layout) -> Iterator[pa.Table]:
    """Entries for ``write_table``. Raises: TokenTableError for one that contradicts the layout."""
    rows: list[Entry] = []
    for entry in entries:
        layout.codes(entry)  # every check there is
        rows.append(entry)
        if len(rows) == ROWS_PER_GROUP:
            yield to_arrow(rows, layout)
            rows = []
    if rows:
        yield to_arrow(rows, layout)


def parquet_writer(file: object, layout: Layout) -> pq.ParquetWriter:
    """Dictionary pages pack codes into as many bits as they need, whatever their type."""
    return pq.ParquetWriter(file, schema(layout), compression="zstd")


def _regrouped(tables: Iterable[pa.Table], num_rows: int) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(t.num_rows for t in waiting) >= num_rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, num_rows).combine_chunks()
            waiting = [whole.slice(num_rows)]
    rest = pa.concat_tables(waiting) if waiting else None
    if rest is not None and rest.num_rows:
        yield rest.combine_chunks()


def _check_order(group: pa.Table, last_id: bytes) -> bytes:
    for utt_id in group.column("utt_id").to_pylist():
        current = utt_id.encode()
        if current <= last_id:
            raise TokenTableError(f"{utt_id} comes after {last_id.decode()}: expected each id once, in LC_ALL=C order")
        last_id = current
    return last_id


def _totals(group: pa.Table, layout: Layout) -> list[int]:
    lengths = [pc.sum(pc.list_value_length(group.column(level_name(i)))).as_py() for i in range(layout.num_levels)]
    return [pc.sum(group.column("num_samples")).as_py(), *lengths]
