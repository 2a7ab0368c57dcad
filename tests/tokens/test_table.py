"""What is written comes back, the same rows give the same bytes, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from audiovq.tokens import Layout, TokenTable, TokenTableError, writer
from audiovq.tokens.columns import to_arrow
from audiovq.tokens.writer import arrow_tables, write_table
from tests.tokens.tables import LAYOUT, content, entries, table


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a group and six a file, so that few rows cross all borders."""
    for module in ("audiovq.tokens.writer", "audiovq.tokens.table"):
        monkeypatch.setattr(f"{module}.ROWS_PER_GROUP", 3)
    monkeypatch.setattr(writer, "ROWS_PER_FILE", 6)


def test_any_utterance_is_found_by_its_id(tmp_path: Path) -> None:
    written, read = list(entries(13)), table(tmp_path, 13)
    assert list(read) == [entry.utt_id for entry in written] and len(read) == 13
    for entry in reversed(written):
        codes = read[entry.utt_id]
        assert codes.num_samples == entry.num_samples and codes.num_channels == entry.num_channels
        assert codes.model == "tiny@0123"
        # Frame by frame; in a frame the first channel's codebooks come first.
        frame = entry.levels[2].reshape(-1, 2 * entry.num_channels)[1]
        assert codes.levels[2][:, 1].tolist() == frame.tolist()
        assert codes.channel(entry.num_channels - 1).levels[2][:, 1].tolist() == frame[-2:].tolist()
    with pytest.raises(KeyError):
        read["unknown"]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    for before, after in zip(entries(13), table(tmp_path, 13).entries(), strict=True):
        assert (before.utt_id, before.text, before.speaker) == (after.utt_id, after.text, after.speaker)
        assert before.silent_ms == after.silent_ms
        assert all(map(np.array_equal, before.levels, after.levels))


def test_the_same_rows_give_the_same_bytes_in_whatever_portions(tmp_path: Path) -> None:
    table(tmp_path / "a", 13)
    ones = [to_arrow([entry], LAYOUT) for entry in entries(13)]
    write_table(tmp_path / "b", LAYOUT, ones)
    write_table(tmp_path / "c", LAYOUT, [to_arrow(list(entries(13)), LAYOUT).slice(0, 13)])
    assert content(tmp_path / "a") == content(tmp_path / "b") == content(tmp_path / "c")
    assert len(content(tmp_path / "a")) == 4


def test_columns_have_the_smallest_types(tmp_path: Path) -> None:
    table(tmp_path)
    file = pq.ParquetFile(tmp_path / "tokens-00000.parquet")
    types = [str(file.schema_arrow.field(f"level_{i}").type.value_type) for i in range(3)]
    assert types == ["uint8", "uint8", "uint16"]
    assert file.metadata.row_group(0).num_rows == 3


def test_the_manifest_says_what_is_there(tmp_path: Path) -> None:
    written = list(entries(13))
    table(tmp_path, 13)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["layout"]["codebook_sizes"] == [16, 256, 2048] and manifest["frame_rates"] == [12.5, 25, 50]
    assert manifest["num_utterances"] == 13 and [file["num_rows"] for file in manifest["files"]] == [6, 6, 1]
    assert manifest["num_samples"] == sum(entry.num_samples for entry in written)
    assert manifest["num_tokens"] == [sum(len(entry.levels[level]) for entry in written) for level in range(3)]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    read = table(tmp_path, 13)
    path = tmp_path / "tokens-00001.parquet"
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    path.write_bytes(damaged)
    (tmp_path / "tokens-00002.parquet").unlink()
    first, second = read.verify()
    assert first.startswith(f"{path}: its SHA-256") and "tokens-00002.parquet: cannot be read" in second


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "a")
    other = Layout(**{**LAYOUT.to_dict(), "model": "other@1"})
    write_table(tmp_path / "b", other, arrow_tables(entries(7), other))
    (tmp_path / "b/tokens-00000.parquet").replace(tmp_path / "a/tokens-00000.parquet")
    with pytest.raises(TokenTableError, match=r"tokens-00000.parquet: holds codes of other@1, expected those of tiny"):
        next(TokenTable(tmp_path / "a").entries())


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenTableError, match="is no token table"):
        TokenTable(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format_version": 9}')
    with pytest.raises(TokenTableError, match="format version 9, this audiovq reads 1"):
        TokenTable(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(TokenTableError, match="cannot be read"):
        TokenTable(tmp_path)


def test_a_table_is_never_overwritten_and_ids_are_sorted_and_unique(tmp_path: Path) -> None:
    table(tmp_path / "a")
    with pytest.raises(TokenTableError, match="holds a token table already"):
        table(tmp_path / "a")
    first, second = entries(2)
    for wrong in ([second, first], [first, first]):
        with pytest.raises(TokenTableError, match="expected each id once"):
            write_table(tmp_path / "b", LAYOUT, arrow_tables(wrong, LAYOUT))
    assert content(tmp_path / "b") == {}
