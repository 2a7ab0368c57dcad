"""Ten kinds of damage in one data directory: each is named in one pass with its file and line, and the rest is done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq import cli
from audiovq.data.kaldi import DataDir, Segment
from audiovq.data.kaldi.usable import load_usable
from audiovq.pretrained import save_model
from audiovq.tokens import TokenTable
from tests.data.kaldi.make import whole_files
from tests.models import tiny

RATE = 16000
SECONDS = 2.0
NAMES = ("cut.flac", "empty.wav", "good.wav", "missing.wav", "nan.wav", "rate.wav", "short.wav")

# What is wrong: file, line, and how it goes on.
DAMAGE = {
    "segment past the end": "segments:7: a-short_wav ends at 2.5 s, past the end of short.wav at 2.000 s",
    "missing file": "wav.scp:4: missing.wav: sounds/missing.wav: does not exist",
    "wrong rate": "wav.scp:6: rate.wav: sounds/rate.wav: 8000 Hz, expected 16000",
    "NaN": "wav.scp:5: nan.wav: sounds/nan.wav has a sample that is not a finite number (NaN or infinity) at 1.0000 s",
    "zero length": "wav.scp:2: empty.wav: sounds/empty.wav holds no samples",
    "truncated flac": "wav.scp:1: cut.flac: sounds/cut.flac is damaged or truncated",
    "duplicate id": "text:11: z-2 is there twice",
    "unsorted": "utt2lang:2: a-cut_flac is out of order: sort with LC_ALL=C",
    "speaker without prefix": "utt2spk:8: z-1 does not start with its speaker, eve",
    "not UTF-8": "text:10: not UTF-8: byte 0xff at position 7",
}
FAIL = {
    "a-cut_flac": "sounds/cut.flac is damaged or truncated",
    "a-empty_wav": "sounds/empty.wav holds no samples",
    "a-missing_wav": "cannot read sounds/missing.wav: No such file or directory",
    "a-nan_wav": "sounds/nan.wav has a sample that is not a finite number (NaN or infinity)",
    "a-short_wav": "sounds/short.wav lasts 2.000 s: it has no segment from 1.25 to 2.5 s",
    "z-2": "data/text:11: z-2 is there twice",
    "z-3": "data/text:10: not UTF-8: byte 0xff at position 7",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, and a data directory in which all ten are planted."""
    monkeypatch.chdir(tmp_path)
    save_model(Path("model"), tiny.model(), "tiny", "CC0-1.0")
    Path("sounds").mkdir()
    random = np.random.default_rng(0)
    for name in NAMES:
        samples = random.uniform(-0.1, 0.1, int(SECONDS * RATE))
        samples[RATE] = np.nan if name == "nan.wav" else 0
        rate = RATE // 2 if name == "rate.wav" else RATE
        kept = 0 if name == "empty.wav" else int(SECONDS * rate)
        soundfile.write(f"sounds/{name}", samples[:kept], rate, None if name.endswith("flac") else "FLOAT")
    Path("sounds/missing.wav").unlink()
    flac = Path("sounds/cut.flac")
    flac.write_bytes(flac.read_bytes()[: flac.stat().st_size // 2])
    segments = {f"a-{name.replace('.', '_')}": Segment(name, 0.75, 2.0) for name in NAMES}
    segments["a-short_wav"] = Segment("short.wav", 1.25, 2.5)
    segments |= {f"z-{number}": Segment("good.wav", 0.1 * number, 0.1 * number + 0.25) for number in (1, 2, 3)}
    data = DataDir(
        wav_scp={name: f"sounds/{name}" for name in NAMES},
        utt2spk={key: "eve" if key == "z-1" else key[0] for key in segments},
        text=dict.fromkeys(segments, "words"),
        utt2lang=dict.fromkeys(segments, "en"),
        segments=segments,
    )
    data.save("data")
    first, *rest = Path("data/utt2lang").read_text().splitlines(keepends=True)
    Path("data/utt2lang").write_text("".join([rest[0], first, *rest[1:]]))
    Path("data/text").write_bytes(Path("data/text").read_bytes().replace(b"z-3 words\n", b"z-3 wo\xffrds\nz-2 words\n"))
    return tmp_path


def test_every_damage_is_named_in_one_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "validate", "data", "--check-samples"]) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    for kind, start in DAMAGE.items():
        assert [line for line in lines if line.startswith(f"audiovq: data/{start}")], (kind, lines)
    # All else that is said: a line that cannot be read leaves its utterance without a text.
    assert len(lines) == len(DAMAGE) + 1, lines
    assert last.startswith("audiovq: 11 problems: ")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_rest_is_tokenised_and_the_failures_are_listed(
    jobs: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["tokenize", "data", "-o", "out", "--model", "model", "--jobs", jobs]
    assert cli.main(command) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "audiovq: tokenised 3, 7 failed"
    assert list(TokenTable("out")) == ["a-good_wav", "a-rate_wav", "z-1"]
    assert TokenTable("out").entry("z-1").speaker == "eve"
    failed = [json.loads(line) for line in Path("out/failed.jsonl").read_text().splitlines()]
    assert [line["utt_id"] for line in failed] == list(FAIL)
    for line in failed:
        assert line["error"].startswith(f"{line['utt_id']}: {FAIL[line['utt_id']]}")
    Path("data/text").write_bytes(Path("data/text").read_bytes().replace(b"wo\xffrds\nz-2 words\n", b"words\n"))
    assert cli.main(command) == 1
    assert list(TokenTable("out"))[2:] == ["z-1", "z-2", "z-3"]


def test_after_fix_all_that_is_left_is_tokenised(here: Path) -> None:
    assert cli.main(["data", "fix", "data", "--check-samples", "--prefix-speakers"]) == 0
    assert cli.main(["data", "validate", "data", "--check-samples"]) == 0
    assert cli.main(["tokenize", "data", "-o", "out", "--model", "model"]) == 0
    assert list(TokenTable("out")) == ["a-good_wav", "eve-z-1", "z-2"]


def test_rows_that_cannot_be_used_are_told_from_those_that_can(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    data = whole_files(tmp_path)
    data.text = dict.fromkeys(data.ids, "words")
    data.save(folder)
    scp = (folder / "wav.scp").read_bytes().replace(b"bob-007", b"b\xffb") + b"eve-1\n"
    (folder / "wav.scp").write_bytes(scp)
    (folder / "text").write_bytes(b"gone-1 \xff\nanna-01 a\xe3\x80\x80<s>")
    (folder / "utt2dur").write_bytes(b"\xff\n")
    data, unusable = load_usable(folder)
    assert data.ids == ["Zoë-1"] and [sound.utt_id for sound in unusable] == ["anna-01", r"b\xffb", "eve-1"]
    assert unusable[0].problem.startswith(f"{folder}/text:2: the last line has no end")
    assert unusable[1].source == f"{folder}/wav.scp"


def test_segments_without_their_recordings_are_named(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("rec /a.wav\nrec2 ~/b.wav\n")
    (tmp_path / "utt2spk").write_text("s-1 s\ns-2 s\ns-3 s\n")
    (tmp_path / "segments").write_text("s-1 rec 0 1\ns-2 rec3 0 1\ns-3 rec2 0 1\ns-4 rec 1 0\n")
    data, unusable = load_usable(tmp_path)
    assert data.ids == ["s-1"]
    problems = [sound.problem.removeprefix(f"{tmp_path}/") for sound in unusable]
    assert problems[0] == "segments:2: it is a part of rec3, which is not in wav.scp"
    assert problems[1].startswith("wav.scp:2: rec2 has '~/b.wav', expected")
    assert problems[2].startswith("segments:4: s-4 has 'rec 1 0', expected")
