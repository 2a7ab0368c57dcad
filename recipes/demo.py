"""Tokenises a few clips, decodes them from their coarsest levels up, and writes all of it into a folder to listen to.

python -m recipes.demo [AUDIO] [--model speech-16k] [--output demo]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

import matplotlib
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor, zeros

import audiovq
from audiovq.audio import io
from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.intelligibility import stoi

CLIPS = Path(__file__).parent / "clips"
PICTURED_SECONDS = 10


@dataclass(frozen=True)
class Clip:
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


def bundled_clips() -> list[Clip]:
    """Speech in three languages and some music."""
    return [Clip(path, is_speech=path.stem != "music") for path in sorted(CLIPS.glob("*.flac"))]


def show(clip: Clip, tokenizer: audiovq.Tokenizer) -> Shown:
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
    return [("original", shown.original), *counted]


def wav_name(name: str, label: str) -> str:
    """The file that holds one variant of a clip."""
    return f"{name}.{label.replace(' ', '-')}.wav"


def save(shown: Shown, folder: Path) -> None:
    """Write a clip's codes and sounds."""
    shown.codes.save(folder / f"{shown.name}.avq")
    for label, wave in variants(shown):
        io.write(folder / wav_name(shown.name, label), wave, shown.codes.sample_rate)


def spectrograms(clips: Sequence[Shown]) -> Figure:
    """A row for each clip: its log-mel spectrogram, and those of what 1, 2, ... levels decode to."""
    rate = clips[0].codes.sample_rate
    log_mel = LogMel(LogMelConfig(sample_rate=rate, fmax=min(8000.0, rate / 2)))
    width = 1 + len(clips[0].decoded)
    figure = Figure(figsize=(4 * width, 2.4 * len(clips)), layout="constrained")
    axes = figure.subplots(len(clips), width, squeeze=False, sharex="row", sharey=True)
    for line, shown in zip(axes, clips, strict=True):
        loudest = None
        for place, (label, wave) in zip(line, variants(shown), strict=True):
            mel = log_mel(wave[:, : PICTURED_SECONDS * rate].mean(0)[None, None])[0].numpy()
            loudest = float(mel.max()) if loudest is None else loudest
            extent = (0, min(PICTURED_SECONDS, shown.codes.duration_seconds), 0, len(mel))
            place.imshow(
                mel, origin="lower", aspect="auto", extent=extent, vmin=loudest - 9, vmax=loudest, cmap="magma"
            )
            place.set_title(f"{shown.name}: {label}")
        line[0].set_ylabel("mel band")
    for place in axes[-1]:
        place.set_xlabel("seconds")
    return figure


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; }
figure { display: inline-block; margin: 0 1rem .5rem 0; } figcaption { font-size: .85rem; }
audio { width: 15rem; max-width: 100%; } img { max-width: 100%; }
"""


def page(clips: Sequence[Shown], heads: Sequence[str], model: str) -> str:
    """The page with the table, the players and the picture; needs nothing but the files beside it."""

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"

    def players(shown: Shown) -> str:
        items = [
            f'<figure><audio controls preload="metadata" src="{quote(wav_name(shown.name, label))}"></audio>'
            f"<figcaption>{escape(label)}</figcaption></figure>"
            for label, _ in variants(shown)
        ]
        avq = f"{shown.name}.avq"
        link = f'<a href="{quote(avq)}">{escape(avq)}</a>, {len(shown.codes.to_bytes())} bytes'
        return f"<h2>{escape(shown.name)} <small>({link})</small></h2>\n" + "\n".join(items)

    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>audiovq demo</title><style>{STYLE}</style></head><body>",
        f"<h1>audiovq: {escape(model)}</h1>",
        "<p>Each clip was turned into discrete codes, and back into sound from its coarsest level alone, then with one "
        "more level at a time. STOI says how much of speech stays intelligible: 1 is all of it. "
        "Speeds are seconds of audio per second of computing, on the machine that wrote this page.</p>",
        f"<table>{cells('th', heads)}",
        *(cells("td", row(shown)) for shown in clips),
        "</table>",
        *(players(shown) for shown in clips),
        '<h2>Spectrograms</h2><img src="spectrograms.png" alt="Log-mel spectrograms of the clips above">',
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def run(clips: Sequence[Clip], tokenizer: audiovq.Tokenizer, folder: Path, console: Console) -> None:
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
    spectrograms(done).savefig(folder / "spectrograms.png", dpi=80)
    (folder / "index.html").write_text(page(done, heads, tokenizer.name), encoding="utf-8")
    console.print(table)
    console.print(f"Speeds are seconds of audio per second. Listen: {folder / 'index.html'}", soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and run; 1 when the audio, the model or the folder is no good."""
    parser = argparse.ArgumentParser(prog="python -m recipes.demo", description="Tokenise clips and decode them again.")
    parser.add_argument("audio", nargs="?", type=Path, help="a sound file instead of the bundled clips")
    parser.add_argument("--model", default="speech-16k", help="a bundled name, or a folder (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("demo"), help="where to write (default: %(default)s)")
    options = parser.parse_args(argv)
    matplotlib.use("agg")
    clips = [Clip(options.audio)] if options.audio else bundled_clips()
    try:
        run(clips, audiovq.load(options.model), options.output, Console())
    except (ValueError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
