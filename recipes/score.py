"""Score any folder of results against any folder of references.

    python -m recipes.score recordings/ decoded/ -o exp/scores
    python -m recipes.score recordings/ decoded/ -o exp/scores --metrics speech --align --jobs 4
    python -m recipes.score recordings/ decoded/ -o exp/scores --metrics wer cer --text data/test/text --language fr
    python -m recipes.score --list

Files with the same path below their folder, but for the suffix, are a pair; an .scp file in place of a folder names
them itself. Writes into OUT: scores.jsonl (a line for each pair), summary.json, RESULTS.md, and ref.scp and gen.scp,
with which VERSA scores the same files (scorer.py --gt ref.scp --pred gen.scp --io soundfile). The same command again
goes on where it stopped, and with more metrics adds them to what is there.

Exit codes: 0 all pairs are scored; 1 some could not be, each is named; 2 wrong usage; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress

from audiovq.metrics.choice import GROUPS
from audiovq.metrics.folders import score_folders
from audiovq.metrics.pair_summary import markdown
from audiovq.metrics.pairs import read_table
from audiovq.metrics.recogniser import PACKAGED
from audiovq.metrics.registry import COLUMNS, METRICS
from audiovq.metrics.summary import table
from audiovq.metrics.text import TEXT_METRICS

DEFAULT_METRICS = ["mel_distance", "stft_distance", "si_sdr", "stoi", "estoi", "pesq_wb"]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("references", nargs="?", type=Path, metavar="REFERENCES", help="a folder, or an .scp file")
    parser.add_argument("results", nargs="?", type=Path, metavar="RESULTS", help="a folder, or an .scp file")
    parser.add_argument("-o", "--out", type=Path, metavar="OUT", help="the folder of the scores")
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        default=DEFAULT_METRICS,
        help=f"of those that --list shows, or {', '.join(GROUPS)} (default: {' '.join(DEFAULT_METRICS)})",
    )
    parser.add_argument("--list", action="store_true", help="show all metrics and exit")
    parser.add_argument("--align", action="store_true", help="undo each result's delay first, up to 0.25 s")
    parser.add_argument("--sample-rate", type=int, metavar="HZ", help="resample both to it (default: the reference's)")
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="what is said, for cer and wer: a name and words a line"
    )
    parser.add_argument("--languages", type=Path, metavar="FILE", help="a name and a language a line, as in utt2lang")
    parser.add_argument("--language", default="en", metavar="CODE", help="of those not in --languages (default: en)")
    parser.add_argument("--recogniser", default=PACKAGED, metavar="MODEL", help="a folder or name for faster-whisper")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes, of one thread each")
    given = parser.parse_args(argv)
    if given.list:
        print(describe_metrics())
        return 0
    if given.references is None or given.results is None or given.out is None:
        parser.error("expected REFERENCES RESULTS -o OUT")
    if given.jobs < 1:
        parser.error(f"--jobs {given.jobs}: expected 1 or more")
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every utterance
    try:
        return score(given)
    # What the folders, the settings or a missing package are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"score: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("score: stopped; what is scored is kept, and the same command goes on", file=sys.stderr)
        return 130


def score(given: argparse.Namespace) -> int:
    """Score with a progress bar, and show the table."""
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("scoring", total=None)
        summary = score_folders(
            given.references,
            given.results,
            given.out,
            given.metrics,
            given.jobs,
            given.align,
            sample_rate=given.sample_rate,
            recogniser=given.recogniser,
            texts=read_table(given.text) if given.text else None,
            languages=read_table(given.languages) if given.languages else None,
            language=given.language,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    Console().print(Markdown(markdown(summary)))
    for name in summary["without_reference"]:
        print(f"score: {name} has no reference", file=sys.stderr)
    for failure in summary["failures"]:
        print(f"score: {failure['utterance']}: {failure['reason']}", file=sys.stderr)
    return 1 if summary["failures"] else 0


def describe_metrics() -> str:
    """A table of all metrics, and what each needs."""
    rows = []
    for name in [*METRICS, *TEXT_METRICS]:
        column = COLUMNS[name]
        speech = "yes" if name in TEXT_METRICS or METRICS[name].speech_only else ""
        better = "higher" if column.higher_is_better else "lower"
        rows.append([name, column.title, column.unit, column.range, better, speech])
    return table(["name", "title", "unit", "range", "better", "speech only"], rows)


if __name__ == "__main__":
    sys.exit(main())
