import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq.data.kaldi import DataDir, validate
from tests.data.kaldi.make import RATE, saved, segments, whole_files, write_wav


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
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\nbob-007 c", "text:3: the last line has no end: is the file cut off?"),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\n", "wav.scp:3: bob-007 is not in text"),
        ("text", b"Zo\xc3\xab-1 a\nanna-01 b\nbob-007 c\nx y\n", "text:4: x is not in wav.scp"),
        ("text", b"", "text: holds no utterance"),
        (
            "text",
            b"Zo\xc3\xab-1 a <s> b\n",
            "text:1: Zoë-1 has 'a <s> b', expected printable words without <s>, </",
        ),
        (
            "text",
            b"Zo\xc3\xab-1 a\xe3\x80\x80b\n",
            "text:1: Zoë-1 has 'a\\u3000b', expected printable words without",
        ),
        ("text", b"Zo\xc3\xab-1 a\x07b\n", "text:1: Zoë-1 has 'a\\x07b', expected printable words"),
        ("text", b"Zo\xc3\xab-1 \xef\xbf\xbf\n", "text:1: Zoë-1 has '\\uffff', expected printable words"),
        ("text", b"a\xc2\xa0b c\n", "text:1: the id 'a\\xa0b' holds what cannot be printed"),
        ("utt2lang", b"Zo\xc3\xab-1 de\nanna-01\n", "utt2lang:2: anna-01 has '', expected a value"),
        (
            "utt2dur",
            b"Zo\xc3\xab-1 .5\nanna-01 x\n",
            "utt2dur:2: anna-01 has 'x', expected a number of seconds above 0",
        ),
        ("utt2dur", b"anna-01 \x0b.5\n", "utt2dur:1: anna-01 has '\\x0b.5', expected a number of seconds above 0"),
        ("utt2dur", b"anna-01 0\n", "utt2dur:1: anna-01 has '0', expected a number of seconds above 0"),
        ("utt2dur", b"anna-01 nan\n", "utt2dur:1: anna-01 has 'nan', expected a number of seconds above 0"),
        ("utt2dur", b"Zo\xc3\xab-1 .5\nanna-01 .7\n", "utt2dur:2: anna-01 lasts 0.500 s, not 0.700"),
        ("utt2spk", b"anna-01 eve\n", "utt2spk:1: anna-01 does not start with its speaker, eve"),
        ("utt2spk", b"anna-01 anna 2\n", "utt2spk:1: anna-01 has 'anna 2', expected one speaker"),
        ("spk2utt", b"anna anna-01\nbob bob-007\n", "spk2utt: Zoë is missing, but utt2spk has it"),
        (
            "spk2utt",
            b"Zo\xc3\xab Zo\xc3\xab-1\nanna anna-01 x\n",
            "spk2utt:2: anna has other utterances than in utt2spk",
        ),
        ("spk2gender", b"Zo\xc3\xab f\nanna f\n", "spk2gender: bob is missing, but utt2spk has it"),
        ("spk2gender", b"anna f\nbob m\neve f\n", "spk2gender:3: eve is not in utt2spk"),
        ("spk2gender", b"anna x\n", "spk2gender:1: anna has 'x', expected m or f"),
        ("spk2warp", b"anna 1.5\n", "spk2warp:1: anna has '1.5', expected a number between 0.5 and 1.5"),
        ("utt2num_frames", b"anna-01 1.5\n", "utt2num_frames:1: anna-01 has '1.5', expected a whole number above 0"),
        ("feats.scp", b"anna-01 a.ark:7\n", "wav.scp:3: bob-007 is not in feats.scp"),
        (
            "reco2file_and_channel",
            b"anna-01 a C\n",
            "reco2file_and_channel:1: anna-01 has 'a C', expected a file and A",
        ),
        ("wav.scp", b"anna-01 ~/a.wav\n", "wav.scp:1: anna-01 has '~/a.wav', expected a path without ~"),
    ],
)
def test_a_broken_table_is_named_with_its_line(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    data = whole_files(tmp_path)
    data.text = dict.fromkeys(data.ids, "words")
    folder = saved(data, tmp_path / "data")
    (folder / name).write_bytes(content)
    assert any(line.startswith(f"{folder}/{problem}") for line in validate(folder)), validate(folder)


@pytest.mark.parametrize(
    "line, problem",
    [
        ("anna-0 anna_rec 0 1 A", "segments:1: anna-0 has 'anna_rec 0 1 A', expected a recording, a start, and an end"),
        ("anna-0 anna_rec 0 1_0", "segments:1: anna-0 has 'anna_rec 0 1_0', expected a recording, a start, and an end"),
        ("anna-0 anna_rec 1 1", "segments:1: anna-0 has 'anna_rec 1 1', expected a recording, a start, and an end"),
        ("anna-0 eve_rec 0 .25", "segments:1: anna-0 is a part of eve_rec, which is not in wav.scp"),
        ("anna-0 anna_rec 1.8 2.02", "segments:1: anna-0 ends at 2.02 s, past the end of anna_rec at 2.000 s"),
        ("anna-0 anna_rec 0.5 0.75", "segments:2: anna-1 is the same segment as anna-0"),
        ("anna-0 anna_rec 0.5 1.0", "utt2dur:1: anna-0 lasts 0.500 s, not 0.250"),
        ("", "utt2spk:1: anna-0 is not in segments"),
    ],
)
def test_a_bad_segment_is_named_with_its_line(line: str, problem: str, tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    rows = (folder / "segments").read_text().replace(".500000", ".5").replace(".750000", ".75").splitlines()[1:]
    (folder / "segments").write_text("".join(f"{row}\n" for row in [line, *rows] if row))
    found = validate(folder)
    assert any(row.startswith(f"{folder}/{problem}") for row in found), found


def test_a_recording_without_segments_and_a_wrong_length_are_named(tmp_path: Path) -> None:
    data = segments(tmp_path)
    data.wav_scp["eve_rec"] = write_wav(tmp_path / "eve.wav")
    assert data.reco2dur is not None
    data.reco2dur |= {"bob_rec": 3.0, "eve_rec": 0.5}
    folder = saved(data, tmp_path / "data")
    assert validate(folder) == [
        f"{folder}/wav.scp:3: no segment is a part of eve_rec",
        f"{folder}/reco2dur:2: bob_rec lasts 2.000 s, not 3.000",
    ]


def test_without_files_segments_are_held_against_the_lengths_in_reco2dur(tmp_path: Path) -> None:
    data = segments(tmp_path)
    data.reco2dur = {"anna_rec": 2.0, "bob_rec": 1.2}
    (problem,) = validate(saved(data, tmp_path / "data"), check_files=False)
    assert "bob-2 ends at 1.25 s, past the end of bob_rec at 1.200 s" in problem


def test_speakers_that_sort_otherwise_than_their_utterances_are_found(tmp_path: Path) -> None:
    data = DataDir(
        {"a-1": write_wav(tmp_path / "1.wav"), "a+1": write_wav(tmp_path / "2.wav")}, {"a-1": "a", "a+1": "a+"}
    )
    folder = saved(data, tmp_path / "data")
    assert validate(folder) == [
        f"{folder}/utt2spk: sorted by utterance it is not sorted by speaker: let ids begin with their speaker and a -"
    ]


def broken_sounds(tmp_path: Path) -> Path:
    """A directory of sounds of which only a-0 is as it should be."""
    write_wav(tmp_path / "good.wav")
    shutil.copy(tmp_path / "good.wav", tmp_path / "copy.wav")
    (tmp_path / "text.wav").write_text("no sound at all")
    write_wav(tmp_path / "cut.wav", seed=1)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-100])
    write_wav(tmp_path / "cut.flac", seed=2)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "cut.flac").read_bytes()[:3000])
    samples = np.random.default_rng(3).uniform(-0.1, 0.1, RATE // 2)
    samples[4000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, RATE, "FLOAT")
    soundfile.write(tmp_path / "loud.wav", np.clip(np.sin(np.arange(RATE // 2)) * 4, -1, 1), RATE)
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE // 2), RATE)
    write_wav(tmp_path / "rate.wav", num_samples=4000, rate=8000, seed=4)
    write_wav(tmp_path / "stereo.wav", channels=2)
    write_wav(tmp_path / "empty.wav", num_samples=0)
    names = ["good.wav", "nowhere.wav", "text.wav", "rate.wav", "stereo.wav", "empty.wav", "good.wav", "cut.wav"]
    names += ["copy.wav", "cut.flac", "nan.wav", "loud.wav", "silent.wav"]
    wav_scp = {f"a-{number:02}": str(tmp_path / name) for number, name in enumerate(names)} | {"a-13": "exit 3 |"}
    data = DataDir(wav_scp, utt2spk=dict.fromkeys(wav_scp, "a"))
    return saved(data, tmp_path / "data")


BY_HEADER = [
    "2: a-01: nowhere.wav: does not exist",
    "3: a-02: text.wav is not a sound file that libsndfile can read",
    "5: a-04: stereo.wav: 2 channels, expected 1",
    "6: a-05: empty.wav holds no samples",
    "7: a-06: good.wav: the same source as a-00",
    "8: a-07: cut.wav is truncated: 100 bytes are missing at its end",
    "4: a-03: rate.wav: 8000 Hz, expected 16000",
]
BY_SAMPLES = [
    "9: a-08: copy.wav: the same samples as a-00",
    "10: a-09: cut.flac is ",
    "11: a-10: nan.wav has a sample that is not a finite number (NaN or infinity) at 0.2500 s",
    "12: a-11: loud.wav: clipped, 60.8% of its samples",
    "13: a-12: silent.wav: silent, every sample is zero",
    "14: a-13: the command 'exit 3' failed with code 3: it said nothing",
]


def test_every_bad_sound_is_named_in_one_pass(tmp_path: Path) -> None:
    folder = broken_sounds(tmp_path)

    def found(**how: bool) -> list[str]:
        lines = validate(folder, **how)
        return [line.removeprefix(f"{folder}/wav.scp:").replace(f"{tmp_path}/", "") for line in lines]

    assert found(check_files=False) == [BY_HEADER[4]]
    assert found() == BY_HEADER
    with_samples = found(check_samples=True)
    expected = sorted([*BY_HEADER, *BY_SAMPLES], key=lambda line: int(line.split(":")[0]))
    assert len(with_samples) == len(expected)
    for line, start in zip(sorted(with_samples, key=lambda line: int(line.split(":")[0])), expected, strict=True):
        assert line.startswith(start)


def test_one_sample_at_full_scale_is_not_clipping(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, 1000)
    samples[::100] = 1.0
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    data = DataDir({"a-1": str(tmp_path / "a.wav")}, {"a-1": "a"})
    assert validate(saved(data, tmp_path / "data"), check_samples=True) == []
