"""One stream of tokens an utterance, for plain language models: tokens.parquet, see audiovq.tokens.flatten.

vocabulary.json has the number of tokens, and by level the token of each codebook's code 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiovq.system.files import write_atomically
from audiovq.tokens.flatten import flatten, offsets, unflatten, vocabulary_size
from audiovq.tokens.formats.lines import about, make_entry
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable
from audiovq.tokens.writer import ROWS_PER_GROUP

TOKENS = "tokens.parquet"


def write(table: TokenTable, folder: Path, target: Path) -> None:
    """Write tokens.parquet and vocabulary.json."""
    layout = table.layout
    vocabulary = {"vocabulary_size": vocabulary_size(layout), "offsets": offsets(layout)}
    with write_atomically(folder / "vocabulary.json") as file:
        file.write((json.dumps(vocabulary, indent=2) + "\n").encode())
    entries = table.entries()
    columns = _schema(layout)
    with write_atomically(folder / TOKENS) as file, pq.ParquetWriter(file, columns, compression="zstd") as writer:
        while rows := list(islice(entries, ROWS_PER_GROUP)):
            values = [about(entry) | {"tokens": flatten(entry, layout)} for entry in rows]
            arrays = [pa.array([value[field.name] for value in values], field.type) for field in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=columns))


def read(folder: Path, layout: Layout) -> Iterator[Entry]:
    """Raises: TokenTableError for a file that is damaged, or tokens out of order."""
    path = folder / TOKENS
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_PER_GROUP):
                for values in batch.to_pylist():
                    tokens = np.array(values.pop("tokens"), np.int64)
                    try:
                        levels = unflatten(tokens, values["num_channels"], layout)
                    except TokenTableError as error:
                        raise TokenTableError(f"{path}: {values['utt_id']}: {error}") from error
                    yield make_entry(values, levels, path)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise TokenTableError(f"{path} cannot be read: {error!r}") from error


def _schema(layout: Layout) -> pa.Schema:
    token = pa.from_numpy_dtype(np.min_scalar_type(vocabulary_size(layout) - 1))
    strings, numbers = ("utt_id", "speaker", "text", "language"), ("num_samples", "num_channels", "silent_ms")
    fields = [(name, pa.string()) for name in strings] + [(name, pa.int64()) for name in numbers]
    return pa.schema([*fields, ("tokens", pa.list_(token))])
