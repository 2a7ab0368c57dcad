"""A .npy file for each utterance and level, level_0/UTTERANCE.npy, of shape (frames, codebooks of all channels).

A name is the utterance's id, with %2F for a slash and likewise for whatever else of ASCII a file name should not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np

from audiovq.system.files import write_atomically
from audiovq.tokens.columns import level_name
from audiovq.tokens.formats.lines import UTTERANCES, about, make_entry, read_lines, to_line
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable


def write(table: TokenTable, folder: Path, target: Path) -> None:
    """Write the arrays, and utterances.jsonl with all that is known of each utterance."""
    for level in range(table.layout.num_levels):
        (folder / level_name(level)).mkdir()
    with write_atomically(folder / UTTERANCES) as file:
        for entry in table.entries():
            file.write(to_line(about(entry)))
            for level in range(table.layout.num_levels):
                # The folder has no name yet, so that half a file in it is seen by nobody.
                np.save(folder / _place(entry.utt_id, level), table.layout.matrix(entry, level), allow_pickle=False)


def read(folder: Path, layout: Layout) -> Iterator[Entry]:
    """Raises: TokenTableError, with the file, for one that is missing or holds something else."""
    for values in read_lines(folder / UTTERANCES):
        paths = [folder / _place(values["utt_id"], level) for level in range(layout.num_levels)]
        levels = [_load(path, dtype) for path, dtype in zip(paths, layout.dtypes, strict=True)]
        yield make_entry(values, levels, folder / UTTERANCES)


def _place(utt_id: str, level: int) -> str:
    # Other letters stay: quoted, each needs up to twelve bytes of the 255 that a name may have.
    name = "".join(quote(character, safe="") if character.isascii() else character for character in utt_id)
    return f"{level_name(level)}/{name}.npy"


def _load(path: Path, dtype: np.dtype[np.unsignedinteger]) -> np.ndarray:
    try:
        codes = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise TokenTableError(f"{path} cannot be read: {error}") from error
    if codes.dtype != dtype:
        raise TokenTableError(f"{path} holds {codes.dtype}, expected {dtype}")
    return codes.reshape(-1)
