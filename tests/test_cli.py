import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

import audiovq.tokenizer
from audiovq import cli
from audiovq.audio.io import AudioReader
from audiovq.codes import Codes, CodesError
from audiovq.commands import conversions, models
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import save_vocoder
from audiovq.tokenizer import ModelError, load_once
from tests.models import tiny

RATE = 8000


class FakeTokenizer:
    """Two levels of hops 800 and 400; keeps one bit of a frame; the vocoder "half" halves the sound."""

    name, model_id = "tiny", "tiny@1"
    vocoder_name = "griffin-lim"
    sample_rate, num_parameters = RATE, 12
    num_levels, hop_lengths, codebook_sizes, num_codebooks = 2, (800, 400), (4, 2), (1, 1)
    frame_rates = (Fraction(10), Fraction(20))
    bits_per_second = 40.0

    def encode(self, path: Path) -> Codes:
        with AudioReader(path) as reader:
            wave = reader.read(reader.num_samples)
        channels, num_samples = wave.shape
        frames = -(-num_samples // 800)
        levels = (torch.full((channels, frames), 3), torch.arange(2 * frames).repeat(channels, 1) % 2)
        return Codes(levels, RATE, num_samples, self.hop_lengths, self.codebook_sizes, self.model_id, channels)

    def num_channels(self, codes: Codes) -> int:
        return codes.num_channels

    def decode_blocks(self, codes: Codes, levels: int | None = None) -> Iterator[Tensor]:
        if codes.model != self.model_id:
            raise CodesError(f"made by {codes.model}, this is {self.model_id}")
        codes = codes if levels is None else codes.prefix(levels)
        for start in range(0, codes.num_samples, 1000):
            length = min(1000, codes.num_samples - start)
            gain = 0.5 if self.vocoder_name == "half" else 1.0
            yield torch.full((codes.num_channels, length), gain * (levels or 2) / 8)


@pytest.fixture(autouse=True)
def fake_tokenizer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTokenizer]:
    tokenizer = FakeTokenizer()

    def load(name: str, device: str, vocoder: str | None = None) -> FakeTokenizer:
        if name not in ("tiny", "speech-16k"):
            raise ModelError(f"no model is called {name}")
        if vocoder not in (None, "half", "griffin-lim"):
            raise ModelError(f"no vocoder is called {vocoder}")
        tokenizer.vocoder_name = vocoder or "griffin-lim"
        return tokenizer

    info = SimpleNamespace(
        name="tiny",
        sample_rate=RATE,
        frame_rates=tokenizer.frame_rates,
        bits_per_second=40.0,
        num_parameters=12,
        size_bytes=345_678,
        licence="CC0-1.0",
    )
    voice = SimpleNamespace(
        name="half", sample_rate=RATE, frame_rate=Fraction(100), num_parameters=7, size_bytes=9_000_000, licence="MIT"
    )
    monkeypatch.setattr(audiovq.tokenizer, "load", load)
    for module in (models, conversions):
        monkeypatch.setattr(module, "bundled_models", lambda: [info])
    prior = SimpleNamespace(name="reader", num_parameters=5, size_bytes=1_000_000, licence="CC0-1.0")
    monkeypatch.setattr(models, "vocoders", lambda: [voice])
    monkeypatch.setattr(models, "priors", lambda: [prior])
    monkeypatch.setattr(models, "music_priors", lambda: [SimpleNamespace(**vars(prior) | {"name": "player"})])
    load_once.cache_clear()
    yield tokenizer
    load_once.cache_clear()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages show short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sound(path: str, num_samples: int = 2500, num_channels: int = 1) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    wave = 0.1 * np.random.default_rng(0).standard_normal((num_samples, num_channels))
    soundfile.write(path, wave.clip(-1, 1), RATE)


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_file_goes_through_codes_and_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.flac", 2500, num_channels=2)
    assert cli.main(["encode", "a.flac", "-o", "a.avq"]) == 0
    assert lines(capsys) == ["audiovq: encoded 1"]
    assert cli.main(["decode", "a.avq", "-o", "sub/b.wav"]) == 0
    assert lines(capsys) == ["audiovq: decoded 1"]
    assert files() == ["a.avq", "a.flac", "sub/b.wav"]
    wave, rate = soundfile.read("sub/b.wav")
    assert (wave.shape, rate) == ((2500, 2), RATE)
    assert np.all(wave == 0.25)


def test_folders_are_mirrored(here: Path) -> None:
    for name in ("in/a.wav", "in/x/b.flac", "in/x/y/c.ogg"):
        sound(name)
    assert cli.main(["encode", "in", "-o", "codes"]) == 0
    assert cli.main(["decode", "codes", "-o", "out", "--format", "flac"]) == 0
    assert [name for name in files() if not name.startswith("in/")] == [
        *("codes/a.avq", "codes/x/b.avq", "codes/x/y/c.avq"),
        *("out/a.flac", "out/x/b.flac", "out/x/y/c.flac"),
    ]


def test_finished_outputs_are_skipped(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("in/a.wav")
    sound("in/b.wav")
    Path("codes").mkdir()
    Path("codes/a.avq").write_text("mine")
    assert cli.main(["encode", "in", "-o", "codes"]) == 0
    assert lines(capsys) == ["audiovq: encoded 1, skipped 1 that exist (--overwrite redoes them)"]
    assert Path("codes/a.avq").read_text() == "mine"
    assert cli.main(["encode", "in", "-o", "codes"]) == 0
    assert lines(capsys) == ["audiovq: encoded 0, skipped 2 that exist (--overwrite redoes them)"]
    assert cli.main(["encode", "in", "-o", "codes", "--overwrite"]) == 0
    assert lines(capsys) == ["audiovq: encoded 2"]
    assert Codes.load("codes/a.avq") == Codes.load("codes/b.avq")


def test_bad_sound_is_named_and_the_good_is_done(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("good.wav")
    sound("truncated.flac", 20_000)
    Path("truncated.flac").write_bytes(Path("truncated.flac").read_bytes()[:9000])
    Path("empty.wav").touch()
    Path("text.wav").write_text("not a sound\n" * 100)
    soundfile.write("nan.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    soundfile.write("zero.wav", np.zeros(0), RATE)
    Path("folder").mkdir()
    bad = ["missing.wav", "empty.wav", "text.wav", "truncated.flac", "nan.wav", "zero.wav", "folder"]
    assert cli.main(["encode", *bad, "good.wav", "-o", "out"]) == 1
    *failures, summary = lines(capsys)
    assert len(failures) == len(bad)
    assert all(sum(name in line for line in failures) == 1 for name in bad)
    assert summary == "audiovq: encoded 1, 7 failed"
    assert [name for name in files() if name.startswith("out")] == ["out/good.avq"]


def test_bad_codes_are_named_and_the_good_are_done(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav")
    assert cli.main(["encode", "a.wav", "-o", "good.avq"]) == 0
    content = bytearray(Path("good.avq").read_bytes())
    Path("short.avq").write_bytes(content[:-1])
    content[60] ^= 1
    Path("damaged.avq").write_bytes(content)
    Path("text.avq").write_text("text")
    good = Codes.load("good.avq")
    for name, model in (("other.avq", "tiny@2"), ("foreign.avq", "foreign@1"), ("folder.avq", "../model@1")):
        Codes(good.levels, RATE, good.num_samples, good.hop_lengths, good.codebook_sizes, model).save(name)
    good.prefix(1).save("coarse.avq")
    lines(capsys)
    assert cli.main(["decode", "*.avq", "missing.avq", "-o", "out", "--levels", "2"]) == 1
    assert sorted(lines(capsys)) == [
        "audiovq: coarse.avq: cannot take 2 levels of 1: take 1 to 1",
        "audiovq: damaged.avq: damaged .avq file (its checksum does not fit its content): copy it or encode it again",
        "audiovq: decoded 1, 8 failed",
        "audiovq: folder.avq: made by the model ../model@1, which is not bundled: use --model FOLDER",
        "audiovq: foreign.avq: made by the model foreign@1, which is not bundled: use --model FOLDER",
        "audiovq: missing.avq: cannot be read: No such file or directory",
        "audiovq: other.avq: made by tiny@2, this is tiny@1",
        "audiovq: short.avq: damaged .avq file (its checksum does not fit its content): copy it or encode it again",
        "audiovq: text.avq: not an .avq file, or its first bytes are damaged",
    ]
    assert [name for name in files() if name.startswith("out")] == ["out/good.wav"]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 100 bytes; writing more fails as on a full disk, though by another name."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


CONVERSIONS = [("encode", "a.wav", "b.avq"), ("decode", "a.avq", "b.wav"), ("reconstruct", "a.wav", "b.flac")]


@pytest.mark.parametrize("command, source, target", CONVERSIONS)
def test_a_full_disk_is_one_line_and_leaves_no_half_file(
    command: str, source: str, target: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound("a.wav", 100_000)
    assert cli.main(["encode", "a.wav", "-o", "a.avq"]) == 0
    lines(capsys)
    with full_disk():
        assert cli.main([command, source, "-o", target]) == 1
    line = lines(capsys)[0]
    assert source in line and target in line and "writ" in line
    assert files() == ["a.avq", "a.wav"]


@pytest.mark.parametrize("command, source, target", CONVERSIONS)
def test_ctrl_c_leaves_no_half_file(
    command: str,
    source: str,
    target: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound("a.wav")
    assert cli.main(["encode", "a.wav", "-o", "a.avq"]) == 0
    lines(capsys)
    monkeypatch.setattr(os, "fsync", Mock(side_effect=KeyboardInterrupt))
    assert cli.main([command, source, "-o", target]) == 130
    assert lines(capsys) == ["audiovq: interrupted: outputs are whole or absent, and the same call goes on from here"]
    assert files() == ["a.avq", "a.wav"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("", "required: COMMAND"),
        ("sing hello", "invalid choice"),
        ("encode", "required: IN, -o"),
        ("encode a.wav", "required: -o"),
        ("encode a.wav -o out --jobs 0", "whole number of 1 or more, got '0'"),
        ("encode a.wav -o out --jobs two", "whole number of 1 or more, got 'two'"),
        ("encode a.wav -o out --device abacus", "device such as cpu, cuda or cuda:1, got 'abacus'"),
        ("encode a.wav -o out --model nothing", "no model is called nothing"),
        ("encode a.wav -o a.wav", "-o a.wav: expected a folder, or a file that ends in .avq"),
        ("encode a.wav b.wav -o c.avq", "-o c.avq is one file, but there are 2 inputs"),
        ("decode a.avq -o out --levels 0", "whole number of 1 or more, got '0'"),
        ("decode a.avq -o out --levels -1", "whole number of 1 or more, got '-1'"),
        ("decode a.avq -o out --levels 3 --model tiny", "--levels 3: tiny has 2"),
        ("decode a.avq -o out --format mp3", "invalid choice: 'mp3'"),
        ("decode a.avq -o out.wav --format flac", "-o out.wav: expected a folder, or a file that ends in .flac"),
        ("reconstruct a.wav -o out", "-o out: name a file that ends in .wav or .flac"),
        ("reconstruct a.wav -o a.wav", "-o a.wav is the input"),
        ("reconstruct a.wav -o b.wav --levels 3", "--levels 3: speech-16k has 2"),
        ("decode a.avq -o out --vocoder vok", "no model 'vok': expected a bundled vocoder"),
        ("decode a.avq -o out --model tiny --vocoder vok", "no vocoder is called vok"),
        ("reconstruct a.wav -o b.wav --vocoder vok", "no vocoder is called vok"),
        ("info nothing", "no model 'nothing': expected a bundled tokenizer"),
    ],
)
def test_wrong_usage(arguments: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav")
    sound("b.wav")
    try:
        exit_code = cli.main(arguments.split())
    except SystemExit as error:
        exit_code = int(str(error.code))
    assert exit_code == 2
    assert message.replace("speech-16k", "tiny") in lines(capsys)[-1]
    assert files() == ["a.wav", "b.wav"]


def test_a_gpu_that_is_not_there_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["encode", "a.wav", "-o", "out", "--device", "cuda"])
    assert "this machine has no GPU that torch can use" in lines(capsys)[-1]


def test_reconstruct_says_what_it_costs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav", 4000)
    assert cli.main(["reconstruct", "a.wav", "-o", "out/b.flac", "--levels", "1"]) == 0
    fields = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert fields[:3] == [["model", "tiny@1"], ["levels", "1 of 2"], ["seconds", "0.50"]]
    assert fields[3] == ["bits", "per second  20"]
    assert fields[4] == ["vocoder", "griffin-lim"]
    assert [name for name, value in fields[5:] if "seconds of audio per second" in value] == ["encoding", "decoding"]
    assert np.all(soundfile.read("out/b.flac")[0] == 0.125)
    # Its output is redone each time, as its numbers are what is asked for.
    assert cli.main(["reconstruct", "a.wav", "-o", "out/b.flac"]) == 0
    assert np.all(soundfile.read("out/b.flac")[0] == 0.25)


def test_the_vocoder_that_is_named_makes_the_sound(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav")
    assert cli.main(["encode", "a.wav", "-o", "a.avq"]) == 0
    assert cli.main(["decode", "a.avq", "-o", "b.wav", "--model", "tiny", "--vocoder", "half"]) == 0
    assert cli.main(["reconstruct", "a.wav", "-o", "c.wav", "--vocoder", "half"]) == 0
    assert "vocoder          half" in capsys.readouterr().out
    assert cli.main(["decode", "a.avq", "-o", "d.wav", "--vocoder", "griffin-lim"]) == 0
    assert [soundfile.read(name)[0].max() for name in ("b.wav", "c.wav", "d.wav")] == [0.125, 0.125, 0.25]


def test_reconstruct_names_a_bad_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.wav").touch()
    assert cli.main(["reconstruct", "a.wav", "-o", "b.wav"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "audiovq: a.wav is an empty file\n"
    assert files() == ["a.wav"]


def test_info_of_codes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav", 2500, num_channels=2)
    assert cli.main(["encode", "a.wav", "-o", "a.avq"]) == 0
    capsys.readouterr()
    assert cli.main(["info", "a.avq"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "model            tiny@1",
        "seconds          0.31",
        "samples          2500 at 8000 Hz",
        "channels         2",
        "bits per second  80",
        f"bytes            {Path('a.avq').stat().st_size}",
        "",
        "level  hop  frames/s  codebooks  entries  entries used  perplexity",
        "0      800  10        1          4        1             1",
        "1      400  20        1          2        2             2",
    ]


def test_info_of_bad_codes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.bin").write_bytes(b"\0" * 1000)
    assert cli.main(["info", "a.avq"]) == 1
    assert cli.main(["info", "a.bin"]) == 1
    assert lines(capsys) == [
        "audiovq: a.avq: cannot be read: No such file or directory",
        "audiovq: a.bin: not an .avq file, or its first bytes are damaged",
    ]


def test_info_of_a_vocoder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_vocoder(here / "v", Vocoder(VocoderConfig(mel=tiny.MEL, width=4, num_blocks=0)), "voice", "CC0-1.0")
    assert cli.main(["info", "v"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:3] == ["vocoder       voice", "sample rate   800 Hz", "mel frames/s  100"]
    assert "hop_length    8" in out and "padding       silence" in out


def test_info_of_a_model(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find", Path)
    monkeypatch.setattr(models, "read_kind", lambda folder: "tokenizer")
    assert cli.main(["info", "tiny"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "model            tiny@1",
        "sample rate      8000 Hz",
        "bits per second  40",
        "parameters       12",
        "",
        "level  hop  frames/s  codebooks  entries",
        "0      800  10        1          4",
        "1      400  20        1          2",
    ]


def test_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name    kind         sample rate  frames/s  bits/s  parameters  megabytes  licence",
        "tiny    tokenizer    8000         10 20     40      12          0.3        CC0-1.0",
        "half    vocoder      8000         100       -       7           9.0        MIT",
        "reader  prior        -            -         -       5           1.0        CC0-1.0",
        "player  music prior  -            -         -       5           1.0        CC0-1.0",
    ]


@pytest.mark.parametrize("command", ["models", "encode", "decode", "info", "reconstruct", "speak", "generate"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    help_text = capsys.readouterr().out
    assert f"  audiovq {command}" in help_text.partition("examples:")[2]
    assert max(map(len, help_text.splitlines())) <= 100
