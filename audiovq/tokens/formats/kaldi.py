"""Kaldi's archives, level_0.ark with level_0.scp and so on, of int32 vectors; and its tables where they are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from audiovq.data.kaldi.tables import DataDirError, write_table
from audiovq.system.files import write_atomically
from audiovq.system.optional import optional_package
from audiovq.tokens.columns import level_name
from audiovq.tokens.formats.lines import UTTERANCES, about, make_entry, read_lines, to_line
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable

_TABLES = {"utt2spk": "speaker", "text": "text", "utt2lang": "language"}


def write(table: TokenTable, folder: Path, target: Path) -> None:
    """Write archives, tables, and utterances.jsonl with all that is known of each utterance.

    Raises: TokenTableError for an id or a text that Kaldi's tables do not hold.
    """
    kaldiio = optional_package("kaldiio", "tokens")
    tables: dict[str, dict[str, str]] = {name: {} for name in _TABLES}
    with ExitStack() as stack:
        levels = [level_name(level) for level in range(table.layout.num_levels)]
        arks = [stack.enter_context(write_atomically(folder / f"{level}.ark")) for level in levels]
        scps = [stack.enter_context(write_atomically(folder / f"{level}.scp")) for level in levels]
        lines = stack.enter_context(write_atomically(folder / UTTERANCES))
        for entry in table.entries():
            lines.write(to_line(about(entry)))
            for level, codes, ark, scp in zip(levels, entry.levels, arks, scps, strict=True):
                start = ark.tell() + len(f"{entry.utt_id} ".encode())
                scp.write(f"{entry.utt_id} {target / level}.ark:{start}\n".encode())
                kaldiio.save_ark(ark, {entry.utt_id: codes.astype(np.int32)})
            for name, field in _TABLES.items():
                if getattr(entry, field) is not None:
                    tables[name][entry.utt_id] = getattr(entry, field)
    try:
        for name, rows in tables.items():
            if rows:
                write_table(folder / name, rows)
    except DataDirError as error:
        raise TokenTableError(str(error)) from error


def read(folder: Path, layout: Layout) -> Iterator[Entry]:
    """Raises: TokenTableError for archives that do not hold what utterances.jsonl lists."""
    kaldiio = optional_package("kaldiio", "tokens")
    paths = [folder / f"{level_name(level)}.ark" for level in range(layout.num_levels)]
    try:
        with ExitStack() as stack:
            archives = [kaldiio.load_ark(stack.enter_context(path.open("rb"))) for path in paths]
            for values in read_lines(folder / UTTERANCES):
                levels = [
                    _next_codes(archive, path, values["utt_id"], dtype)
                    for archive, path, dtype in zip(archives, paths, layout.dtypes, strict=True)
                ]
                yield make_entry(values, levels, folder / UTTERANCES)
    except OSError as error:
        raise TokenTableError(f"{folder}: its archives cannot be read: {error}") from error


def _next_codes(
    archive: Iterator[tuple[str, np.ndarray]], path: Path, utt_id: str, dtype: np.dtype[np.unsignedinteger]
) -> np.ndarray:
    try:
        found, codes = next(archive)
    except (StopIteration, ValueError) as error:
        raise TokenTableError(f"{path}: {utt_id} is missing or damaged") from error
    if found != utt_id or codes.dtype != np.int32 or (codes.astype(dtype) != codes).any():
        raise TokenTableError(f"{path}: expected the codes of {utt_id}, int32 that {dtype} holds, got those of {found}")
    return codes.astype(dtype)
