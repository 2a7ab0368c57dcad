"""Entries to the columns of arrow tables and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from audiovq.tokens.layout import Entry, Layout, TokenTableError

_LAYOUT_KEY = b"audiovq"  # among a parquet file's own metadata: a file that was moved elsewhere still says what it is


def level_name(level: int) -> str:
    """Of a column."""
    return f"level_{level}"


def schema(layout: Layout) -> pa.Schema:
    """The columns of a token table."""
    columns = [
        pa.field("utt_id", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in ("speaker", "text", "language")),
        pa.field("num_samples", pa.int64(), nullable=False),
        pa.field("num_channels", pa.int32(), nullable=False),
        pa.field("silent_ms", pa.int64(), nullable=False),
    ]
    for level, dtype in enumerate(layout.dtypes):
        codes = pa.list_(pa.field("element", pa.from_numpy_dtype(dtype), nullable=False))
        columns.append(pa.field(level_name(level), codes, nullable=False))
    return pa.schema(columns, metadata={_LAYOUT_KEY: json.dumps(layout.to_dict(), sort_keys=True)})


def layout_of_schema(columns: pa.Schema) -> Layout:
    """Raises: TokenTableError when no token table has these columns."""
    try:
        layout = Layout.from_dict(json.loads(columns.metadata[_LAYOUT_KEY]))
    except (KeyError, TypeError, ValueError) as error:
        raise TokenTableError("its columns are not those of a token table") from error
    if not columns.equals(schema(layout)):
        raise TokenTableError("its columns are not those that its model's codes need")
    return layout


def to_arrow(entries: Sequence[Entry], layout: Layout) -> pa.Table:
    """A table of some entries, in their order."""
    columns = schema(layout)
    arrays = [
        pa.array([getattr(entry, field.name) for entry in entries], field.type)
        for field in columns
        if not pa.types.is_list(field.type)
    ]
    for level, dtype in enumerate(layout.dtypes):
        codes = [entry.levels[level] for entry in entries]
        offsets = np.cumsum([0, *map(len, codes)], dtype=np.int32)
        values = pa.array(np.concatenate([np.empty(0, dtype), *codes]))
        arrays.append(pa.ListArray.from_arrays(pa.array(offsets), values, type=columns.field(level_name(level)).type))
    return pa.Table.from_arrays(arrays, schema=columns)


def from_arrow(table: pa.Table, num_levels: int) -> Iterator[Entry]:
    """The entries of a table, in its order."""
    for batch in table.to_batches():
        columns = {name: batch.column(name) for name in batch.schema.names}
        plain = [values.to_pylist() for name, values in columns.items() if not pa.types.is_list(values.type)]
        names = [name for name, values in columns.items() if not pa.types.is_list(values.type)]
        lists = [columns[level_name(level)] for level in range(num_levels)]
        # `values` and `offsets` are those of the whole buffer, also where the batch is a slice of it.
        values = [codes.values.to_numpy() for codes in lists]
        offsets = [codes.offsets.to_numpy() for codes in lists]
        for row, fields in enumerate(zip(*plain, strict=True)):
            levels = tuple(v[o[row] : o[row + 1]] for v, o in zip(values, offsets, strict=True))
            yield Entry(levels=levels, **dict(zip(names, fields, strict=True)))
