"""The demo with a stand-in for the tokenizer: what it writes, and that the page finds it."""

import io as text_io
from pathlib import Path
from typing import cast

import pytest
import torch
from rich.console import Console
from torch import Tensor

import audiovq
from audiovq import units
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.report import Report
from recipes import demo

HOPS = (1280, 640, 320)


class FakeTokenizer:
    """Remembers the wave and gives it back with less noise the more levels are decoded."""

    name, sample_rate, num_levels = "fake", 16000, 3

    def __init__(self) -> None:
        self.wave = torch.zeros(1, 1)

    def encode(self, audio: Path | Tensor, sample_rate: int | None = None) -> audiovq.Codes:
        wave, rate = (audio[None], sample_rate) if isinstance(audio, Tensor) else io.read(audio)
        assert rate is not None
        self.wave = resample(wave, rate, self.sample_rate)
        channels, num_samples = self.wave.shape
        padded = units.padded_samples(num_samples, HOPS[0])
        levels = tuple(torch.full((channels, padded // hop), 5, dtype=torch.int64) for hop in HOPS)
        return audiovq.Codes(levels, self.sample_rate, num_samples, HOPS, (1024,) * 3, "fake@0000", channels)

    def decode(self, codes: audiovq.Codes, levels: int | None = None) -> Tensor:
        assert codes.num_samples == self.wave.shape[1]
        noise = torch.randn(self.wave.shape, generator=torch.Generator().manual_seed(1))
        return self.wave + 0.3 * (3 - (levels or 3)) * self.wave.std() * noise


def run(clips: list[demo.Source], folder: Path) -> str:
    """The text that the demo prints."""
    console = Console(file=text_io.StringIO(), width=80)
    demo.run(clips, cast(audiovq.Tokenizer, FakeTokenizer()), folder, console)
    return cast(text_io.StringIO, console.file).getvalue()


@pytest.fixture(scope="module")
def speech() -> Tensor:
    wave, rate = io.read(demo.CLIPS / "english.flac")
    assert rate == 16000
    return wave[:, : 3 * rate]


@pytest.fixture
def clips(tmp_path: Path, speech: Tensor) -> list[demo.Source]:
    io.write(tmp_path / "voice & <1>.wav", speech, 16000)
    io.write(tmp_path / "song.flac", torch.randn(2, 44100, generator=torch.Generator().manual_seed(0)) * 0.1, 44100)
    return [demo.Source(tmp_path / "voice & <1>.wav"), demo.Source(tmp_path / "song.flac", is_speech=False)]


def test_everything_is_written_and_the_page_finds_it(tmp_path: Path, clips: list[demo.Source]) -> None:
    run(clips, tmp_path / "out")
    expected = {"index.html", "report.json"}
    for name in ("voice & <1>", "song"):
        endings = ("avq", "original.wav", "1-level.wav", "2-levels.wav", "3-levels.wav")
        expected |= {f"{name}.{ending}" for ending in endings}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert page.count("<audio ") == 8 and "voice &amp; &lt;1&gt;" in page
    report = Report.load(tmp_path / "out")
    assert [system.bits_per_second for system in report.systems] == [125, 375, 875]
    assert [system.scores["stoi"].count for system in report.systems] == [1, 1, 1]


def test_written_sounds_and_codes_are_those_of_the_tokenizer(tmp_path: Path, clips: list[demo.Source]) -> None:
    run(clips, tmp_path / "out")
    wave, rate = io.read(tmp_path / "out/song.1-level.wav")
    assert (wave.shape, rate) == ((2, 16000), 16000)
    tokenizer = FakeTokenizer()
    codes = tokenizer.encode(clips[1].path)
    assert audiovq.Codes.load(tmp_path / "out/song.avq") == codes
    assert torch.allclose(wave, tokenizer.decode(codes, levels=1).clamp(-1, 1), atol=1e-4)


def test_the_table_tells_rates_and_intelligibility(tmp_path: Path, clips: list[demo.Source]) -> None:
    shown = demo.show(clips[0], cast(audiovq.Tokenizer, FakeTokenizer()))
    one, two, three = shown.intelligibility
    assert one is not None and two is not None and three is not None
    assert one < two < three
    assert three == pytest.approx(1, abs=1e-3)
    assert demo.row(shown)[:4] == ["voice & <1>", "3.0", "12.5+25+50", "875"]
    printed = run(clips, tmp_path / "out")
    assert all(head in printed for head in ("1 level ", "2 levels", "3 levels"))
    song = next(line for line in printed.splitlines() if "song" in line)
    assert "25+50+100" in song  # two channels
    assert song.split().count("-") == 3


def test_a_clip_too_short_for_stoi_is_shown_all_the_same(tmp_path: Path) -> None:
    io.write(tmp_path / "click.wav", torch.ones(1, 1), 8000)
    assert "click" in run([demo.Source(tmp_path / "click.wav")], tmp_path / "out")


def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audiovq, "load", lambda name: FakeTokenizer())
    assert demo.main([str(tmp_path / "none.wav"), "--output", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("demo: ") and "none.wav" in message and message.count("\n") == 1


def test_the_bundled_clips_are_small_and_their_origin_is_named() -> None:
    clips = demo.bundled_clips()
    assert [(clip.path.stem, clip.is_speech) for clip in clips] == [
        ("english", True),
        ("french", True),
        ("italian", True),
        ("music", False),
    ]
    assert sum(clip.path.stat().st_size for clip in clips) < 2_000_000
    readme = (demo.CLIPS / "README.md").read_text(encoding="utf-8")
    for clip in clips:
        line = next(line for line in readme.splitlines() if f"`{clip.path.name}`" in line)
        assert "](https://creativecommons.org/licenses/" in line
        assert "Debian" in readme
