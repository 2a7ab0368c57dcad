"""Tables of symbols and durations, to disk and back."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiovq.data.symbol_tables import (
    Aligned,
    Spoken,
    SymbolTableError,
    read_alignments,
    read_symbols,
    write_alignments,
)


def test_alignments_come_back_as_they_were_written(tmp_path: Path) -> None:
    items = [
        Aligned("u1", "s", "en", ("_", "a", "_"), np.array([3, 0, 400])),
        Aligned("u2", "s", "fr", (), np.array([], np.int64)),
    ]
    write_alignments(tmp_path / "new" / "a.parquet", items)
    found = read_alignments(tmp_path / "new" / "a.parquet")
    assert [(item.utt_id, item.speaker, item.language, item.symbols) for item in found] == [
        (item.utt_id, item.speaker, item.language, item.symbols) for item in items
    ]
    assert [item.durations.tolist() for item in found] == [[3, 0, 400], []]
    assert found[0].num_frames == 403
    assert pq.read_table(tmp_path / "new" / "a.parquet").schema.field("durations").type.value_type == pa.int16()


def test_symbols_are_read_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    row = {"utt_id": "u", "speaker": "s", "language": "en", "symbols": ["_", "a"], "num_frames": 4, "text": "A"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "symbols.parquet")
    assert read_symbols(tmp_path / "symbols.parquet") == [Spoken("u", "s", "en", ("_", "a"), 4)]
    with pytest.raises(SymbolTableError, match="has no column durations"):
        read_alignments(tmp_path / "symbols.parquet")
    with pytest.raises(SymbolTableError, match=r"missing\.parquet: cannot be read"):
        read_symbols(tmp_path / "missing.parquet")
