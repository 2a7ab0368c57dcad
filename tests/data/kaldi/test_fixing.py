from collections.abc import Callable
from pathlib import Path

import pytest

from audiovq.data.kaldi import DataDir, DataDirError, validate
from audiovq.data.kaldi.fixing import fix
from audiovq.data.kaldi.sound_checks import SoundRules
from tests.data.kaldi.make import saved, segments, whole_files
from tests.data.kaldi.test_validation import broken_sounds

TABLES = SoundRules(check_files=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_valid_directory_is_left_alone(tmp_path: Path) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    before = contents(folder)
    assert fix(folder, SoundRules()).backup is None
    assert contents(folder) == before and len(list(folder.iterdir())) == len(before)


def test_what_is_wrong_goes_and_the_rest_is_valid(tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    (folder / "text").write_bytes(
        b"bob-2 z\x07\nbob-1 \xff\nbob-0 a\xe3\x80\x80b\r\nanna-2 c\nanna-2 d\nanna-1 b\nanna-0 a"
    )
    (folder / "utt2dur").write_text("anna-0 .25\nanna-1 .9\nanna-2 .25\nbob-0 .25\nbob-1 .25\nbob-2 .25\neve-1 1\n")
    before = contents(folder)
    fixed = fix(folder, TABLES)
    assert fixed.dropped == ["anna-1", "bob-1"] and fixed.num_kept == 4 and fixed.remaining == []
    assert validate(folder) == []
    assert DataDir.load(folder).text == {"anna-0": "a", "anna-2": "c", "bob-0": "a b", "bob-2": "z"}
    assert fixed.backup == folder / ".backup" and contents(fixed.backup) == before


def test_bad_sounds_go_and_the_good_one_stays(tmp_path: Path) -> None:
    folder = broken_sounds(tmp_path)
    assert len(fix(folder, SoundRules(check_samples=True)).dropped) == 13
    assert DataDir.load(folder).ids == ["a-00"]


def test_a_recording_that_is_gone_takes_its_segments_along(tmp_path: Path) -> None:
    data = segments(tmp_path)
    Path(data.wav_scp["anna_rec"]).unlink()
    folder = saved(data, tmp_path / "data")
    assert fix(folder, SoundRules()).dropped == ["anna-0", "anna-1", "anna-2"]
    assert list(DataDir.load(folder).reco2dur or {}) == ["bob_rec"]


def test_a_second_fix_keeps_the_tables_of_the_first(tmp_path: Path) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    for name in (".backup", ".backup2"):
        (folder / "text").write_text((folder / "text").read_text() + "a b\n")
        before = contents(folder)
        backup = fix(folder, TABLES).backup
        assert backup == folder / name and contents(backup) == before


@pytest.mark.parametrize("make", [whole_files, segments])
def test_ids_get_their_speakers_on_demand_only(make: Callable[[Path], DataDir], tmp_path: Path) -> None:
    data = make(tmp_path)
    first, *_ = data.ids
    data.utt2spk[first] = "eve"
    data.others = {}
    folder = saved(data, tmp_path / "data")
    remaining = fix(folder, TABLES).remaining
    assert any(f"{first} does not start with its speaker, eve" in str(problem) for problem in remaining)
    assert fix(folder, TABLES, prefix_speakers=True).remaining == []
    assert validate(folder) == [] and f"eve-{first}" in DataDir.load(folder).ids


def test_nothing_is_changed_when_nothing_would_be_left(tmp_path: Path) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    (folder / "text").write_text("x y\n")
    before = contents(folder)
    with pytest.raises(DataDirError, match="no utterance without a problem is in every table: nothing is changed"):
        fix(folder, TABLES)
    (folder / "text").write_text("")
    with pytest.raises(DataDirError, match="text: holds no utterance"):
        fix(folder, TABLES)
    assert contents(folder) == before | {"text": b""}
