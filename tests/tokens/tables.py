"""Token tables of random codes, in mono and stereo, with and without words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audiovq.tokens import Entry, Layout, TokenTable
from audiovq.tokens.writer import arrow_tables, write_table

LAYOUT = Layout("tiny@0123", 800, (64, 32, 16), (16, 256, 2048), (1, 1, 2))


def entries(num: int) -> Iterator[Entry]:
    """Of ids in the order of their bytes; some hold what is no name of a file."""
    random = np.random.default_rng(0)
    for i in range(num):
        num_samples, channels = int(random.integers(1, 500)), 1 + i % 2
        frames = -(-num_samples // 64)
        levels = tuple(
            random.integers(0, size, frames * factor * k * channels).astype(dtype)
            for size, factor, k, dtype in zip((16, 256, 2048), (1, 2, 4), (1, 1, 2), LAYOUT.dtypes, strict=True)
        )
        words = (None, "", "zwei  Wörter")[i % 3]
        speaker = None if i % 5 == 0 else f"s{i % 4}"
        yield Entry(f"u/{i:05d}\N{SNOWMAN}", num_samples, channels, 20 * (i % 3), levels, speaker, words, "de")


def table(folder: Path, num: int = 7) -> TokenTable:
    write_table(folder, LAYOUT, arrow_tables(entries(num), LAYOUT))
    return TokenTable(folder)


def content(folder: Path) -> dict[str, bytes]:
    """Every visible file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
