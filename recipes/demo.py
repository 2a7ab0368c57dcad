"""Tokenises a few clips, decodes them from their coarsest levels up, and writes all of it into a folder to listen to.

python -m recipes.demo [AUDIO] [--model speech-16k] [--output demo]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor, zeros

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.intelligibility import stoi
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.registry import COLUMNS
from audiovq.report import ORIGINAL, Clip, Report, System
from audiovq.report.evaluation import metric_of
from audiovq.report.joining import load_run
from audiovq.report.page import report_page

CLIPS = Path(__file__).parent / "clips"


@dataclass(frozen=True)
class Source:
    """A sound file to show."""

    path: Path
    is_speech: bool = True  # STOI says something of speech only


@dataclass(frozen=True)
class Shown:
    """What became of one clip. `decoded` and `intelligibility` have one entry for 1, 2, ... levels."""

    name: str
    codes: audiovq.Codes
    original: Tensor
    decoded: tuple[Tensor, ...]
    intelligibility: tuple[float | None, ...]
    encode_speed: float
    decode_speed: float


def bundled_clips() -> list[Source]:
    """Speech in three languages and some music."""
    return [Source(path, is_speech=path.stem != "music") for path in sorted(CLIPS.glob("*.flac"))]


def show(clip: Source, tokenizer: audiovq.Tokenizer) -> Shown:
    """Encode a clip, decode it from every number of levels, and measure both."""
    wave, sample_rate = io.read(clip.path)
    original = resample(wave, sample_rate, tokenizer.sample_rate)
    start = time.perf_counter()
    codes = tokenizer.encode(clip.path)
    encoded = time.perf_counter()
    decoded = [tokenizer.decode(codes)]
    end = time.perf_counter()
    decoded[:0] = [tokenizer.decode(codes, levels=levels) for levels in range(1, tokenizer.num_levels)]
    return Shown(
        name=clip.path.stem,
        codes=codes,
        original=original,
        decoded=tuple(decoded),
        intelligibility=tuple(intelligibility(original, wave, codes.sample_rate, clip.is_speech) for wave in decoded),
        encode_speed=codes.duration_seconds / (encoded - start),
        decode_speed=codes.duration_seconds / (end - encoded),
    )


def intelligibility(original: Tensor, decoded: Tensor, sample_rate: int, is_speech: bool) -> float | None:
    """STOI of the channels' mean, or None where there is nothing to measure."""
    if not is_speech:
        return None
    try:
        return stoi(original.mean(0), decoded.mean(0), sample_rate)
    except NotMeasurableError:
        return None


def columns(tokenizer: audiovq.Tokenizer) -> list[str]:
    """The heads of the table's columns, broken so that it fits into 80 characters."""
    counts = range(1, tokenizer.num_levels + 1)
    stois = [f"STOI\n{count} level{'s'[: count > 1]}" for count in counts]
    return ["clip", "seconds", "tokens/s\nby level", "bits/s", *stois, "encode\ns/s", "decode\ns/s"]


def row(shown: Shown) -> list[str]:
    """One clip's line of the table."""
    codes = shown.codes
    tokens = [rows.shape[0] * float(rate) for rows, rate in zip(codes.levels, codes.frame_rates, strict=True)]
    stois = ["-" if value is None else f"{value:.3f}" for value in shown.intelligibility]
    numbers = [
        f"{codes.duration_seconds:.1f}",
        "+".join(f"{rate:g}" for rate in tokens),
        f"{codes.bits_per_second:.0f}",
    ]
    return [shown.name, *numbers, *stois, f"{shown.encode_speed:.0f}", f"{shown.decode_speed:.0f}"]


def variants(shown: Shown) -> list[tuple[str, Tensor]]:
    """What there is to hear of a clip, with a label: the original, then 1, 2, ... levels."""
    counted = [(f"{count} level{'s'[: count > 1]}", wave) for count, wave in enumerate(shown.decoded, start=1)]
    return [(ORIGINAL, shown.original), *counted]


def wav_name(name: str, label: str) -> str:
    """The file that holds one variant of a clip."""
    return f"{name}.{label.replace(' ', '-')}.wav"


def save(shown: Shown, folder: Path) -> None:
    """Write a clip's codes and sounds."""
    shown.codes.save(folder / f"{shown.name}.avq")
    for label, wave in variants(shown):
        io.write(folder / wav_name(shown.name, label), wave, shown.codes.sample_rate)


def make_report(clips: Sequence[Shown], model: str) -> Report:
    """One system for each number of levels, with its STOI where it says something."""
    scores: dict[str, list[float]] = {}
    rates: dict[str, float] = {}
    for shown in clips:
        labels = [label for label, _ in variants(shown)[1:]]
        for levels, (label, value) in enumerate(zip(labels, shown.intelligibility, strict=True), start=1):
            scores.setdefault(label, []).extend([] if value is None else [value])
            rates[label] = float(shown.codes.prefix(levels).bits_per_second) / shown.codes.num_channels
    return Report(
        title=f"audiovq: {model}",
        note="Each clip was turned into discrete codes, and back into sound from its coarsest level alone, then with "
        "one more level at a time. STOI says how much of speech stays intelligible: 1 is all of it. "
        "Bit rates are of one channel.",
        metrics={"stoi": metric_of(COLUMNS["stoi"])} if any(scores.values()) else {},
        systems=[
            System(
                name=label,
                family=model,
                bits_per_second=rates[label],
                scores={"stoi": bootstrap_mean(values)} if values else {},
            )
            for label, values in scores.items()
        ],
        clips=[
            Clip(
                id=shown.name,
                original=wav_name(shown.name, ORIGINAL),
                files={label: wav_name(shown.name, label) for label in scores},
            )
            for shown in clips
        ],
    )


def run(clips: Sequence[Source], tokenizer: audiovq.Tokenizer, folder: Path, console: Console) -> None:
    """Show all clips with one tokenizer: a table on the console, everything else in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.decode(tokenizer.encode(zeros(tokenizer.sample_rate), sample_rate=tokenizer.sample_rate))  # warms up
    heads = columns(tokenizer)
    table = Table(*heads, title=tokenizer.name, box=box.SIMPLE_HEAD, padding=0)
    for column in table.columns[1:]:
        column.justify = "right"
    done = []
    for clip in clips:
        shown = show(clip, tokenizer)
        save(shown, folder)
        table.add_row(*row(shown))
        done.append(shown)
    make_report(done, tokenizer.name).save(folder)
    (folder / "index.html").write_text(report_page([load_run(folder)]), encoding="utf-8")
    console.print(table)
    console.print(f"Speeds are seconds of audio per second. Listen: {folder / 'index.html'}", soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and run; 1 when the audio, the model or the folder is no good."""
    parser = argparse.ArgumentParser(prog="python -m recipes.demo", description="Tokenise clips and decode them again.")
    parser.add_argument("audio", nargs="?", type=Path, help="a sound file instead of the bundled clips")
    parser.add_argument("--model", default="speech-16k", help="a bundled name, or a folder (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("demo"), help="where to write (default: %(default)s)")
    options = parser.parse_args(argv)
    clips = [Source(options.audio)] if options.audio else bundled_clips()
    try:
        run(clips, audiovq.load(options.model), options.output, Console())
    except (ValueError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
