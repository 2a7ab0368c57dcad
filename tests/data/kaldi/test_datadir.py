from collections.abc import Callable
from pathlib import Path

import pytest

from audiovq.data.kaldi import DataDir, DataDirError, Segment, validate
from tests.data.kaldi.make import RATE, saved, segments, whole_files


@pytest.mark.parametrize("make", [whole_files, segments])
def test_a_saved_directory_comes_back_and_is_valid(make: Callable[[Path], DataDir], tmp_path: Path) -> None:
    data = make(tmp_path)
    folder = saved(data, tmp_path / "data")
    assert DataDir.load(folder) == data
    assert validate(folder, RATE, check_samples=True) == []


def test_tables_are_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    assert (folder / "text").read_text() == "Zoë-1 ñandú  日本\nanna-01 eins zwei\nbob-007\n"
    assert (folder / "spk2utt").read_text() == "Zoë Zoë-1\nanna anna-01\nbob bob-007\n"


def test_optional_tables_may_be_absent_and_go_away(tmp_path: Path) -> None:
    data = whole_files(tmp_path)
    folder = saved(data, tmp_path / "data")
    data.text = data.utt2lang = data.utt2dur = None
    data.others = {}
    assert DataDir.load(saved(data, folder)) == data
    assert sorted(path.name for path in folder.iterdir()) == ["spk2utt", "utt2spk", "wav.scp"]


def test_a_segment_keeps_its_samples_on_disk(tmp_path: Path) -> None:
    parts = {"a-1": Segment("a_rec", 12345 / 44100, 54321 / 44100)}
    data = DataDir({"a_rec": "a.wav"}, {"a-1": "a"}, segments=parts)
    (back,) = DataDir.load(saved(data, tmp_path / "data")).sounds()
    assert back.start_seconds is not None and back.end_seconds is not None
    assert (round(back.start_seconds * 44100, 1), round(back.end_seconds * 44100, 1)) == (12345, 54321)


@pytest.mark.parametrize("key, words", [("a b", "x"), ("", "x"), ("a\u00a0b", "x"), ("a", "x\ny"), ("a", "x\ry")])
def test_what_would_not_come_back_is_not_written(key: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="expected an id without blanks and a value of one line"):
        DataDir(wav_scp={key: "a.wav"}, utt2spk={key: "a"}, text={key: words}).save(tmp_path / "data")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    (folder / "spk2utt").unlink()
    assert DataDir.load(folder).spk2utt["anna"] == ["anna-01"]
    assert validate(folder) == [f"{folder}/spk2utt: cannot be read: No such file or directory"]
    (folder / "utt2spk").unlink()
    with pytest.raises(DataDirError, match=r"utt2spk: cannot be read: No such file"):
        DataDir.load(folder)


def test_a_selection_takes_what_belongs_to_it_from_every_table(tmp_path: Path) -> None:
    part = segments(tmp_path).select(["bob-2"])
    assert part.ids == list(part.utt2spk) == list(part.text or {}) == list(part.utt2dur or {}) == ["bob-2"]
    assert list(part.wav_scp) == list(part.reco2dur or {}) == ["bob_rec"]
    assert whole_files(tmp_path).select(["bob-007"]).others == {"spk2gender": {"bob": "m"}}
