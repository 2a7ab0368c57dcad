"""audiovq generate: what it writes, how it goes on, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from audiovq import Codes
from audiovq.cli import main
from audiovq.priors.music import MusicPrior
from tests.recipes.tiny_music import packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("music"))


@pytest.fixture
def generate(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    models = ["--model", str(folder / "packed"), "--tokenizer", str(folder / "tokenizer"), "--vocoder", "griffin-lim"]
    return lambda *arguments: main(["generate", *models, *arguments])


def test_music_in_all_ways(generate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("-o", "new.wav", "--seconds", "2", "--label", "calm", "--label", "game1") == 0
    assert soundfile.info("new.wav").frames == 1600
    assert generate("-o", "same.avq", "--seconds", "2", "--label", "calm", "--label", "game1") == 0
    assert generate("-o", "longer.avq", "--prime", "same.avq", "--seconds", "3") == 0
    assert generate("-o", "other.avq", "--vary", "same.avq", "--keep-levels", "2", "--fine-temperature", "2") == 0
    assert generate("-o", "mended.avq", "--inpaint", "same.avq", "--from", "0.5", "--to", "1", "--seed", "5") == 0
    same, longer, other, mended = (Codes.load(f"{name}.avq") for name in ("same", "longer", "other", "mended"))
    assert longer.num_samples == 2400
    for level, (a, b, c, d) in enumerate(zip(same.levels, longer.levels, other.levels, mended.levels, strict=True)):
        assert torch.equal(a, b[:, : a.shape[1]])
        assert torch.equal(a, c) == (level < 2)
        assert torch.equal(a[:, : 6 * 2**level], d[:, : 6 * 2**level]) and not torch.equal(a, d)
    assert not list(Path().glob("*.unfinished"))
    assert "new.wav: 2.00 s of music" in capsys.readouterr().err


def test_labels_are_listed(generate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("--list-labels") == 0
    assert capsys.readouterr().out.split() == ["calm", "game0", "game1"]


def test_a_music_prior_is_described(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(folder / "packed")]) == 0
    told = capsys.readouterr().out
    assert "music prior  tiny-music" in told and "game1" in told and "cascade" in told


def test_an_interrupted_call_goes_on(generate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call = ("--seconds", "3", "--seed", "2")
    assert generate("-o", "whole.avq", *call) == 0
    make = MusicPrior.make
    made: list[Any] = []

    def interrupted(*given: Any) -> Any:
        made.append(given)
        if len(made) == 3:
            raise KeyboardInterrupt
        return make(*given)

    monkeypatch.setattr(MusicPrior, "make", interrupted)
    assert generate("-o", "parts.avq", *call) == 130
    assert Path("parts.avq.unfinished").is_dir() and not Path("parts.avq").exists()
    assert generate("-o", "parts.avq", "--seconds", "3", "--seed", "3") == 2
    made.clear()
    made += [None] * 10
    assert generate("-o", "parts.avq", *call) == 0
    assert Codes.load("parts.avq") == Codes.load("whole.avq")
    assert not Path("parts.avq.unfinished").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--seconds", "1"], "-o OUT.wav is missing"),
        (["-o", "a.mp3"], "-o a.mp3: name a file that ends in .wav or .flac or .avq"),
        (["-o", "a.wav", "--prime", "b.wav", "--vary", "c.wav"], "--prime and --vary cannot go together"),
        (["-o", "a.wav", "--prime", "./a.wav"], "-o a.wav is the clip itself"),
        (["-o", "a.wav", "--inpaint", "b.wav", "--from", "1"], "--inpaint CLIP, --from S and --to S belong together"),
        (["-o", "a.wav", "--from", "1", "--to", "2"], "--inpaint CLIP, --from S and --to S belong together"),
        (["-o", "a.wav", "--keep-levels", "1"], "--keep-levels is for --vary CLIP"),
        (["-o", "a.wav", "--vary", "b.wav", "--seconds", "3"], "--seconds is for new music and --prime"),
        (["-o", "a.wav", "--top-p", "2"], "top_p is 2.0, expected above 0, to 1"),
        (["-o", "a.wav", "--label", "loud"], "has no label 'loud'; it has calm, game0, game1"),
        (["-o", "a.wav", "--seconds", "-1"], "seconds is -1.0, expected more than 0"),
    ],
)
def test_wrong_usage_is_told(
    generate: Any, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_a_clip_that_cannot_be_read_is_named(generate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Path("noise.wav").write_bytes(b"no sound")
    assert generate("-o", "a.wav", "--prime", "noise.wav") == 1
    assert generate("-o", "a.wav", "--vary", "none.avq") == 1
    told = capsys.readouterr().err
    assert "noise.wav" in told and "none.avq: cannot be read" in told


def test_without_a_bundled_prior_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("audiovq.pretrained.bundled.BUNDLED", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "-o", "a.wav"]) == 2
    assert "train one with egs/debian_music/music1/run.sh" in capsys.readouterr().err
