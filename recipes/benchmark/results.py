"""RESULTS.md from the figures in results/*.json, so that neither can say what the other does not."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiovq.metrics.summary import table
from audiovq.system.files import write_atomically
from recipes.benchmark.tables import column_of, quality_table, speed_text, structures_text

ROOT = Path(__file__).parents[2]
COMMAND = "python -m recipes.benchmark results"
_NOT_YET = "Not measured yet."

HEARD_ALONE = ("distillmos", "dnsmos_p808", "plcmos")  # scores that no reference is compared for

Results = Mapping[str, Any]


@dataclass(frozen=True)
class QualityBar:
    """The mean of a score, no worse than a rival's on the same utterances."""

    codec: str
    rival: str
    metric: str

    def row(self, results: Results) -> list[str] | None:
        rows = {row["codec"]: row for row in results["codecs"]}
        if not all(self.metric in rows.get(word, {"scores": {}})["scores"] for word in (self.codec, self.rival)):
            return None
        ours, theirs = (rows[word]["scores"][self.metric]["mean"] for word in (self.codec, self.rival))
        column = column_of(self.metric)
        met = ours >= theirs if column.higher_is_better else ours <= theirs
        names = [rows[word]["name"] for word in (self.codec, self.rival)]
        return [f"{names[0]}: {column.title} of {names[1]}", f"{ours:.3f} against {theirs:.3f}", _verdict(met)]


@dataclass(frozen=True)
class SpeedBar:
    """So many times as fast as a rival, on the most threads measured."""

    rival: str
    times: float

    def rows(self, results: Results) -> list[list[str]]:
        rows = {row["codec"]: row for row in results["codecs"]}
        if self.rival not in rows:
            return []
        threads = str(max(results["threads"]))
        found = []
        for what in ("encode", "decode"):
            ours, theirs = (
                statistics.median(row[f"{what}_seconds"][threads]) for row in (results["codecs"][0], rows[self.rival])
            )
            title = f"{what} {self.times:g} times as fast as {rows[self.rival]['name']}, {threads} thread(s)"
            found.append([title, f"{theirs / ours:.2f}", _verdict(theirs / ours >= self.times)])
        return found


QUALITY_BARS = [
    QualityBar("audiovq:speech-16k-hq", rival, metric)
    for rival in ("opus:6", "opus:8")
    for metric in ("pesq_wb", "stoi")
]
SPEED_BARS = [SpeedBar("encodec:6", 5), SpeedBar("snac", 40), SpeedBar("dac:12", 40)]


def render(quality: Results | None, speed: Results | None, structures: Results | None) -> str:
    """The whole of RESULTS.md; None for what has not been measured."""
    return "\n\n".join(
        [
            "# Results",
            f"Written by `{COMMAND}` from `results/*.json`: change those, not this. Each recipe has its own beside it, "
            "such as [egs/debian_speech/codec1](egs/debian_speech/codec1/RESULTS.md).",
            "## Speech beside other codecs",
            _NOT_YET if quality is None else _quality(quality),
            "## Structures on equal terms",
            _NOT_YET if structures is None else structures_text(structures),
            "## Speed",
            _NOT_YET if speed is None else speed_text(speed),
            "## Bars",
            _bars(quality, speed),
            "## To measure again",
            _HOW,
        ]
    )


def _quality(quality: Results) -> str:
    narrow = [row["name"] for row in quality["codecs"] if row["sample_rate"] < 16_000]
    alone = [column_of(name).title for name in quality["metrics"] if name in HEARD_ALONE]
    notes = [
        f"{', '.join(narrow)} and Opus below 9 kbit/s code the telephone band, which scores for 8 kHz of band hold "
        "against them."
    ]
    if alone:
        notes.append(f"{' and '.join(alone)} listen to the result alone: the row of the recordings is their measure.")
    return "\n\n".join(
        [
            f"{quality['num_utterances']} utterances of {quality['num_speakers']} voices that the models never heard "
            f"({quality['data']}, {quality['seconds']:.0f} s, each {quality['min_seconds']:g} s or longer), through "
            "every codec, delays undone, compared at 16 kHz. Means with 95 % bootstrap intervals over utterances. Bits "
            "are those that were used: packets or codes alone, and the whole file, whose header weighs much in files "
            "this short.",
            f"    {quality['command']}",
            quality_table(quality),
            " ".join(notes),
        ]
    )


def _bars(quality: Results | None, speed: Results | None) -> str:
    rows = [row for bar in QUALITY_BARS if quality is not None and (row := bar.row(quality)) is not None]
    if speed is not None:
        rows += [row for bar in SPEED_BARS for row in bar.rows(speed)]
    return table(["bar", "measured", "verdict"], rows) if rows else _NOT_YET


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"


_HOW = """\
Needs a Debian-like system for the codecs that are programs; what is missing is left out and named. The models are
those that ship; [how they were trained](egs/debian_speech/codec1/RESULTS.md).

    apt-get install opus-tools codec2 liblc3-tools speex libvo-amrwbenc0 ffmpeg nodejs npm
    pip install -c constraints.txt -e '.[train,corpora,eval,rivals]'
    pip install -c constraints.txt --no-deps resemblyzer webrtcvad-wheels distillmos xls-r-sqa
    npm ci --prefix recipes/benchmark/nolace
    make results

`make results` fetches the recordings, measures, and writes this page; `make quality` takes the scores alone. Both go on
where they stopped: after new weights, delete the model's folder in exp/benchmark. Measure speed on a machine that does
nothing else. Structures are trained anew by their own command, which takes hours.
"""


def load(name: str, root: Path = ROOT) -> Results | None:
    """What results/NAME.json holds, if it is there."""
    path = root / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def stored(root: Path) -> str:
    """RESULTS.md as the stored figures give it."""
    return render(*(load(name, root) for name in ("quality", "speed", "structures")))


def write_results(root: Path = ROOT) -> None:
    """Write RESULTS.md."""
    with write_atomically(root / "RESULTS.md") as file:
        file.write(stored(root).encode())


def check_results(root: Path = ROOT) -> int:
    """0 when RESULTS.md is what the stored figures give, else 1."""
    path = root / "RESULTS.md"
    if path.exists() and path.read_text(encoding="utf-8") == stored(root):
        return 0
    print(f"RESULTS.md does not say what results/*.json hold: {COMMAND}", file=sys.stderr)
    return 1
