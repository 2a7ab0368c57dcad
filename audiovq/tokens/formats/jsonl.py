"""JSON lines: an utterance a line, with all columns of the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audiovq.system.files import write_atomically
from audiovq.tokens.columns import level_name
from audiovq.tokens.formats.lines import about, make_entry, read_lines, to_line
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable

TOKENS = "tokens.jsonl"


def write(table: TokenTable, folder: Path, target: Path) -> None:
    """Write tokens.jsonl."""
    with write_atomically(folder / TOKENS) as file:
        for entry in table.entries():
            codes = {level_name(level): values.tolist() for level, values in enumerate(entry.levels)}
            file.write(to_line(about(entry) | codes))


def read(folder: Path, layout: Layout) -> Iterator[Entry]:
    """Raises: TokenTableError, with the utterance, for codes that do not fit the layout."""
    for values in read_lines(folder / TOKENS):
        try:
            levels = [_codes(values.pop(level_name(i)), dtype) for i, dtype in enumerate(layout.dtypes)]
        except (KeyError, ValueError, OverflowError, TypeError) as error:
            raise TokenTableError(f"{folder / TOKENS}: {values['utt_id']}: wrong or missing codes: {error}") from error
        yield make_entry(values, levels, folder / TOKENS)


def _codes(values: list[int], dtype: np.dtype[np.unsignedinteger]) -> np.ndarray:
    codes = np.array(values, dtype)
    if codes.tolist() != values:
        raise ValueError(f"expected a list of whole numbers that {dtype} holds")
    return codes
