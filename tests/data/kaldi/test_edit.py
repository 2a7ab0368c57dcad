from pathlib import Path

import pytest

from audiovq.data.kaldi import DataDir, DataDirError, Segment, validate
from audiovq.data.kaldi.edit import combine, draw, first, of_each_speaker, split
from tests.data.kaldi.make import saved, segments, whole_files


def many(counts: dict[str, int]) -> DataDir:
    ids = [f"{speaker}-{number:03}" for speaker, count in counts.items() for number in range(count)]
    return DataDir({key: f"{key}.wav" for key in ids}, {key: key.split("-")[0] for key in ids})


def test_parts_are_neighbours_of_equal_size_and_nothing_is_lost() -> None:
    data = many({"b": 4, "a": 6})
    parts = split(data, 3)
    assert [len(part.ids) for part in parts] == [3, 4, 3]
    assert [key for part in parts for key in part.ids] == data.ids


@pytest.mark.parametrize("counts, sizes", [((9, 1, 1), [9, 1, 1]), ((1, 1, 9), [1, 1, 9]), ((2, 2, 2), [2, 2, 2])])
def test_a_speaker_is_in_one_part_and_no_part_is_empty(counts: tuple[int, ...], sizes: list[int]) -> None:
    data = many(dict(zip("abc", counts, strict=True)))
    parts = split(data, 3, per_speaker=True)
    assert [len(part.ids) for part in parts] == sizes
    assert [list(part.spk2utt) for part in parts] == [["a"], ["b"], ["c"]]


def test_more_parts_than_there_are_pieces_is_an_error() -> None:
    with pytest.raises(DataDirError, match="3 utterances do not make 4 parts"):
        split(many({"a": 3}), 4)
    with pytest.raises(DataDirError, match="1 speakers do not make 2 parts"):
        split(many({"a": 3}), 2, per_speaker=True)


def test_a_draw_depends_on_the_seed_alone_and_larger_ones_hold_smaller_ones() -> None:
    data = many({"b": 50, "a": 50})
    small, large = draw(data, 10, seed=1).ids, draw(many({"a": 50, "b": 50}), 20, seed=1).ids
    assert len(small) == 10 and set(small) < set(large)
    assert small != draw(data, 10, seed=2).ids
    assert small != data.ids[:10]
    with pytest.raises(DataDirError, match="there are 100 utterances, not 101"):
        draw(data, 101, seed=1)


def test_the_first_of_all_and_of_each_speaker() -> None:
    data = many({"b": 3, "a": 1})
    assert first(data, 2).ids == ["a-000", "b-000"]
    assert of_each_speaker(data, 2).ids == ["a-000", "b-000", "b-001"]


def test_parts_combine_to_the_whole(tmp_path: Path) -> None:
    data = segments(tmp_path)
    parts = {str(number): part for number, part in enumerate(split(data, 4))}
    assert combine(parts) == (data, [])


def test_files_become_segments_beside_segments(tmp_path: Path) -> None:
    files, parts = whole_files(tmp_path), segments(tmp_path)
    files.utt2dur = None  # so that the sounds are opened
    del files.utt2spk["anna-01"], files.wav_scp["anna-01"], (files.text or {})["anna-01"]
    data, notes = combine({"files": files, "parts": parts})
    assert data.segments is not None and data.segments["bob-007"] == Segment("bob-007", 0.0, 0.5)
    assert len(data.ids) == 8 and validate(saved(data, tmp_path / "data")) == []
    assert notes == [
        *("utt2lang is left out: parts has none", "utt2dur is left out: files has none"),
        "spk2gender is left out: parts has none",
    ]


def test_what_is_said_twice_is_an_error(tmp_path: Path) -> None:
    data = segments(tmp_path)
    with pytest.raises(DataDirError, match="two/segments: anna-0 is in another directory too\n") as error:
        combine({"one": data, "two": data})
    assert str(error.value).endswith("\nand 1 more")
    other = data.select(["anna-0"])
    other.wav_scp["anna_rec"] = "other.wav"
    with pytest.raises(
        DataDirError, match=r"two/wav.scp: anna_rec has 'other.wav', in another directory '.*anna_rec.wav'"
    ):
        combine({"one": data.select(["anna-1"]), "two": other})
