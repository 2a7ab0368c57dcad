"""Reading a token table: any utterance by its id, or all of them in order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audiovq.codes import Codes
from audiovq.tokens.columns import from_arrow, layout_of_schema
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.manifest import MANIFEST, Manifest, sha256
from audiovq.tokens.writer import ROWS_PER_GROUP


class TokenTable(Mapping[str, Codes]):
    """The utterances of a folder: ``TokenTable(folder)[utt_id]`` is what ``Tokenizer.decode`` reads.

    Raises: TokenTableError when the folder holds none, or a file of it is missing, damaged or of another model.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.load(self.folder)
        self.layout: Layout = self.manifest.layout
        self._starts = [0, *accumulate(file.num_rows for file in self.manifest.files)]
        self._group: tuple[tuple[int, int], pa.Table] | None = None

    def __len__(self) -> int:
        return self.manifest.num_utterances

    def __iter__(self) -> Iterator[str]:
        """The ids in their order."""
        return iter(self._rows)

    def __getitem__(self, utt_id: str) -> Codes:
        return self.layout.codes(self.entry(utt_id))

    def entry(self, utt_id: str) -> Entry:
        """The whole row. Raises: KeyError for an unknown id."""
        row = self._rows[utt_id]
        file = next(i for i, end in enumerate(self._starts[1:]) if row < end)
        group, row = divmod(row - self._starts[file], ROWS_PER_GROUP)
        if self._group is None or self._group[0] != (file, group):
            self._group = (file, group), self._open(file).read_row_group(group)
        return next(from_arrow(self._group[1].slice(row, 1), self.layout.num_levels))

    def entries(self) -> Iterator[Entry]:
        """All rows in order, a group of them in memory at a time."""
        for file in range(len(self.manifest.files)):
            for batch in self._open(file).iter_batches(ROWS_PER_GROUP):
                yield from from_arrow(pa.Table.from_batches([batch]), self.layout.num_levels)

    def verify(self) -> list[str]:
        """A line for each file whose bytes are not those that were written."""
        problems = []
        for entry in self.manifest.files:
            path = self.folder / entry.name
            try:
                with path.open("rb") as file:
                    if sha256(file) != entry.sha256:
                        problems.append(f"{path}: its SHA-256 is not that of {MANIFEST}")
            except OSError as error:
                problems.append(f"{path}: cannot be read: {error.strerror}")
        return problems

    @cached_property
    def _rows(self) -> dict[str, int]:
        ids: list[str] = []
        for file in range(len(self.manifest.files)):
            ids += self._open(file).read(columns=["utt_id"]).column(0).to_pylist()
        return {utt_id: row for row, utt_id in enumerate(ids)}

    def _open(self, file: int) -> pq.ParquetFile:
        entry = self.manifest.files[file]
        return open_parquet(self.folder / entry.name, self.layout, entry.num_rows)


def open_parquet(path: Path, layout: Layout, num_rows: int | None = None) -> pq.ParquetFile:
    """Open a file of such codes. Raises: TokenTableError when it is not that, or has not so many rows."""
    try:
        file = pq.ParquetFile(path)
        found = layout_of_schema(file.schema_arrow)
    except (OSError, pa.ArrowException, TokenTableError) as error:
        raise TokenTableError(f"{path}: {error}") from error
    if found != layout:
        raise TokenTableError(f"{path}: holds codes of {found.model}, expected those of {layout.model}")
    if num_rows not in (None, file.metadata.num_rows):
        raise TokenTableError(f"{path}: has {file.metadata.num_rows} rows, expected {num_rows}")
    return file
