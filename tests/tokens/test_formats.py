"""Every export is read by the tool it is for, and comes back to the last byte."""

from __future__ import annotations

import json
from pathlib import Path

import kaldiio
import numpy as np
import pyarrow.parquet as pq
import pytest
from lhotse import CutSet

from audiovq.tokens import TokenTableError
from audiovq.tokens.flatten import flatten, offsets, unflatten, vocabulary_size
from audiovq.tokens.formats import FORMATS, export_table, import_table
from tests.tokens.tables import LAYOUT, content, entries, table

# lhotse leaves its archives open, for the garbage collector to close.
left_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@left_open
@pytest.mark.parametrize("name", FORMATS)
def test_an_export_comes_back_to_the_last_byte(name: str, tmp_path: Path) -> None:
    export_table(table(tmp_path / "table"), tmp_path / "exported", name)
    (tmp_path / "exported").rename(tmp_path / "moved")
    assert import_table(tmp_path / "moved", tmp_path / "again") == 7
    assert content(tmp_path / "again") == content(tmp_path / "table")


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_whole_or_absent(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = table(tmp_path / "table")
    monkeypatch.setattr(read, "entries", lambda: (entry if i < 3 else 1 / 0 for i, entry in enumerate(entries(7))))
    with pytest.raises(ZeroDivisionError):
        export_table(read, tmp_path / "exported", name)
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(TokenTableError, match="exists: name another folder"):
        export_table(table(tmp_path / "table"), tmp_path, "npy")
    assert (tmp_path / "mine").read_text() == "mine"


def test_kaldiio_reads_the_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export_table(table(tmp_path / "table"), Path("kaldi"), "kaldi")
    for level in range(3):
        found = kaldiio.load_scp(f"kaldi/level_{level}.scp")
        assert all(np.array_equal(found[entry.utt_id], entry.levels[level]) for entry in entries(7))
    speakers = Path("kaldi/utt2spk").read_text().splitlines()
    assert speakers == [f"{entry.utt_id} {entry.speaker}" for entry in entries(7) if entry.speaker]


@left_open
def test_lhotse_reads_the_shar(tmp_path: Path) -> None:
    export_table(table(tmp_path / "table"), tmp_path / "shar", "shar")
    cuts = list(CutSet.from_shar(in_dir=tmp_path / "shar/shards"))
    for cut, entry in zip(cuts, entries(7), strict=True):
        assert cut.id == entry.utt_id and cut.duration == entry.num_samples / 800
        assert np.array_equal(cut.load_level_2(), LAYOUT.matrix(entry, 2))
        assert (cut.supervisions[0].text, cut.supervisions[0].speaker) == (entry.text, entry.speaker)


def test_numpy_reads_the_arrays(tmp_path: Path) -> None:
    export_table(table(tmp_path / "table"), tmp_path / "npy", "npy")
    stereo = list(entries(2))[1]
    codes = np.load(tmp_path / "npy/level_2/u%2F00001\N{SNOWMAN}.npy")
    assert codes.dtype == np.uint16 and np.array_equal(codes, LAYOUT.matrix(stereo, 2)) and codes.shape[1] == 4


def test_the_stream_goes_from_each_coarse_frame_to_the_finer_ones_beneath_it(tmp_path: Path) -> None:
    assert vocabulary_size(LAYOUT) == 16 + 256 + 2 * 2048
    assert offsets(LAYOUT) == [[0], [16], [272, 2320]]
    mono, stereo = entries(2)
    zero, one, two = (level.astype(int) for level in mono.levels)
    first, second = two.reshape(-1, 2).T + np.array([[272], [2320]])
    frame = flatten(mono, LAYOUT)[11:22].tolist()  # the second coarsest frame
    assert frame == [
        *(zero[1], one[2] + 16, first[4], second[4], first[5], second[5]),
        *(one[3] + 16, first[6], second[6], first[7], second[7]),
    ]
    left, right = stereo.levels[0][:2]
    assert flatten(stereo, LAYOUT)[:2].tolist() == [left, right]


def test_tokens_out_of_order_are_refused() -> None:
    tokens = flatten(next(entries(1)), LAYOUT)
    with pytest.raises(TokenTableError, match="expected a multiple of 11"):
        unflatten(tokens[:-1], 1, LAYOUT)
    with pytest.raises(TokenTableError, match="another codebook stands where level 0"):
        unflatten(np.roll(tokens, 1), 1, LAYOUT)


def test_the_vocabulary_is_written_down(tmp_path: Path) -> None:
    export_table(table(tmp_path / "table"), tmp_path / "flat", "flat")
    assert json.loads((tmp_path / "flat/vocabulary.json").read_text())["vocabulary_size"] == 4368
    tokens = pq.read_table(tmp_path / "flat/tokens.parquet").column("tokens")
    assert str(tokens.type.value_type) == "uint16"


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('"utt_id"', '"id"', "tokens.jsonl:1: expected a JSON object about an utterance"),
        ('"num_samples": ', '"num_samples": 999', "level 0 has shape"),
        ('"num_samples": ', '"seconds": ', "seconds"),
        ('"num_channels": 1', '"num_channels": "1"', "num_channels is '1', expected int"),
        ('"level_1": [', '"level_1": [-1, ', "level_1|wrong or missing codes"),
        ('"level_0": [', '"level_0": [16, ', "level 0|cannot reshape"),
        ('"level_2"', '"level_3"', "wrong or missing codes: 'level_2'"),
    ],
)
def test_lines_that_are_wrong_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    export_table(table(tmp_path / "table"), tmp_path / "lines", "jsonl")
    path = tmp_path / "lines/tokens.jsonl"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(TokenTableError, match=message):
        import_table(tmp_path / "lines", tmp_path / "again")


@left_open
def test_what_is_missing_from_an_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenTableError, match="is no export of a token table"):
        import_table(tmp_path, tmp_path / "again")
    read = table(tmp_path / "table")
    for name, gone in (
        ("npy", "level_1/u%2F00003\N{SNOWMAN}.npy"),
        ("kaldi", "level_2.ark"),
        ("flat", "tokens.parquet"),
    ):
        export_table(read, tmp_path / name, name)
        (tmp_path / name / gone).unlink()
        with pytest.raises(TokenTableError, match=gone.split("/")[0].split(".")[0]):
            import_table(tmp_path / name, tmp_path / "again")
    export_table(read, tmp_path / "shar", "shar")
    for path in (tmp_path / "shar/shards").glob("level_*.tar"):
        path.unlink()
    with pytest.raises(TokenTableError, match="shards cannot be read"):
        import_table(tmp_path / "shar", tmp_path / "again")
    export_table(read, tmp_path / "jsonl", "jsonl")
    path = tmp_path / "jsonl/tokens.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(TokenTableError, match=r"holds 6 utterances, but export\.json says 7"):
        import_table(tmp_path / "jsonl", tmp_path / "again")
    assert content(tmp_path / "again").keys() <= {"tokens-00000.parquet"}
