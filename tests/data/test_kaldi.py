import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq.data.kaldi import DataDir, DataDirError, validate

RATE = 16000


def write_wav(path: Path, num_samples: int = RATE // 2, rate: int = RATE, channels: int = 1) -> str:
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, (num_samples, channels))
    soundfile.write(path, samples, rate)
    return str(path)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Three utterances whose order by bytes is not the order of most alphabets."""
    ids = ["anna-01", "Zoë-1", "bob-007"]
    return DataDir(
        wav_scp={key: write_wav(tmp_path / f"{number}.wav") for number, key in enumerate(ids)},
        utt2spk={key: key.split("-")[0] for key in ids},
        text={"anna-01": "eins zwei", "Zoë-1": "ñandú  日本", "bob-007": ""},
        utt2lang=dict.fromkeys(ids, "de"),
        utt2dur=dict.fromkeys(ids, 0.5),
    )


def saved(data: DataDir, folder: Path) -> Path:
    data.save(folder)
    return folder


def test_a_saved_directory_comes_back_and_is_valid(data: DataDir, tmp_path: Path) -> None:
    folder = saved(data, tmp_path / "data")
    assert DataDir.load(folder) == data
    assert validate(folder, RATE) == []
    assert sorted(path.name for path in folder.iterdir()) == [
        *("spk2utt", "text", "utt2dur", "utt2lang", "utt2spk", "wav.scp"),
    ]


def test_tables_are_in_the_order_of_their_bytes(data: DataDir, tmp_path: Path) -> None:
    folder = saved(data, tmp_path / "data")
    assert (folder / "text").read_text() == "Zoë-1 ñandú  日本\nanna-01 eins zwei\nbob-007\n"
    assert (folder / "spk2utt").read_text() == "Zoë Zoë-1\nanna anna-01\nbob bob-007\n"


def test_optional_tables_may_be_absent_and_go_away(data: DataDir, tmp_path: Path) -> None:
    folder = saved(data, tmp_path / "data")
    data.text = data.utt2lang = data.utt2dur = None
    assert DataDir.load(saved(data, folder)) == data
    assert validate(folder) == []


@pytest.mark.parametrize("key, words", [("a b", "x"), ("", "x"), ("a", "x\ny"), ("a", "x\ry")])
def test_what_would_not_come_back_is_not_written(key: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="expected an id without blanks and a value of one line"):
        DataDir(wav_scp={key: "a.wav"}, utt2spk={key: "a"}, text={key: words}).save(tmp_path / "data")


@pytest.mark.parametrize(
    "name, content, problem",
    [
        ("text", b"Zo\xc3\xab-1 a\nanna-01 \xff\nbob-007 c\n", "text:2: not UTF-8: byte 0xff at position 9"),
        ("text", b"Zo\xc3\xab-1 a\nbob-007 b\nanna-01 c\n", "text:3: anna-01 is out of order: sort with LC_ALL=C"),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\nanna-01 b\nbob-007 c\n", "text:3: anna-01 is there twice"),
        ("text", b"Zo\xc3\xab-1 a\n\nanna-01 b\nbob-007 c\n", "text:2: an empty line"),
        (
            "text",
            b"Zo\xc3\xab-1 a\nanna-01 b\r\nbob-007 c\n",
            "text:2: ends in a carriage return, as lines of Windows do",
        ),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\nbob-007 c", "text: the last line has no end: is the file cut off?"),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\n", "text: bob-007 is missing, but wav.scp has it"),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\nbob-007 c\nx y\n", "text: x is not in wav.scp"),
        ("text", b"", "text: holds no utterance"),
        ("utt2lang", b"Zo\xc3\xab-1 de\nanna-01\nbob-007 de\n", "utt2lang:2: anna-01 has no value"),
        (
            "utt2dur",
            b"Zo\xc3\xab-1 .5\nanna-01 x\nbob-007 .5\n",
            "utt2dur: anna-01 has the duration 'x', expected seconds",
        ),
        (
            "utt2spk",
            b"Zo\xc3\xab-1 Zo\xc3\xab\nanna-01 eve\nbob-007 bob\n",
            "utt2spk: anna-01 does not start with its speaker, eve",
        ),
        ("spk2utt", b"anna anna-01\nbob bob-007\n", "spk2utt: is not the inverse of utt2spk"),
    ],
)
def test_a_broken_table_is_named_with_its_line(
    data: DataDir, tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    folder = saved(data, tmp_path / "data")
    (folder / name).write_bytes(content)
    assert f"{folder}/{problem}" in validate(folder)


def test_a_missing_table_is_named(data: DataDir, tmp_path: Path) -> None:
    folder = saved(data, tmp_path / "data")
    (folder / "spk2utt").unlink()
    assert validate(folder) == [f"{folder}/spk2utt: cannot be read: No such file or directory"]
    (folder / "utt2spk").unlink()
    with pytest.raises(DataDirError, match=r"utt2spk: cannot be read: No such file"):
        DataDir.load(folder)


def test_speakers_that_sort_otherwise_than_their_utterances_are_found(data: DataDir, tmp_path: Path) -> None:
    paths = {"a-1": data.wav_scp["anna-01"], "a+1": data.wav_scp["bob-007"]}
    folder = saved(DataDir(wav_scp=paths, utt2spk={"a-1": "a", "a+1": "a+"}), tmp_path / "data")
    assert validate(folder) == [
        f"{folder}/utt2spk: sorted by utterance it is not sorted by speaker: put a - after the speaker"
    ]


def test_every_bad_sound_is_named_in_one_pass(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    shutil.copy(write_wav(tmp_path / "good.wav"), tmp_path / "copy.wav")
    wav_scp = {
        "a-0": str(tmp_path / "good.wav"),
        "a-1": str(tmp_path / "nowhere.wav"),
        "a-2": str(tmp_path / "text.wav"),
        "a-3": write_wav(tmp_path / "rate.wav", num_samples=4000, rate=8000),
        "a-4": write_wav(tmp_path / "stereo.wav", channels=2),
        "a-5": write_wav(tmp_path / "empty.wav", num_samples=0),
        "a-6": str(tmp_path / "good.wav"),
        "a-7": "sph2pipe a.sph |",
        "a-8": str(tmp_path / "copy.wav"),
    }
    data = DataDir(wav_scp, utt2spk=dict.fromkeys(wav_scp, "a"), utt2dur=dict.fromkeys(wav_scp, 0.5) | {"a-8": 0.6})
    prefix = f"{tmp_path}/data/wav.scp: "
    found = validate(saved(data, tmp_path / "data"))
    problems = [line.removeprefix(prefix).replace(f"{tmp_path}/", "") for line in found]
    assert problems == [
        "a-1: nowhere.wav: does not exist",
        "a-2: text.wav: is not sound: Format not recognised.",
        "a-3: rate.wav: 8000 Hz, expected 16000",
        "a-4: stereo.wav: 2 channels, expected 1",
        "a-5: empty.wav: has no samples",
        "a-5: empty.wav: lasts 0.000 s, but utt2dur says 0.500",
        "a-6: good.wav: the same file as a-0",
        "a-7: sph2pipe a.sph |: is a command, expected the path of a file",
        "a-8: copy.wav: lasts 0.500 s, but utt2dur says 0.600",
    ]
