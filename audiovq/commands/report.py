"""The command `audiovq report`: a page of what runs have measured and how they sound."""

from __future__ import annotations

import argparse
from pathlib import Path

from audiovq.audio.io import AudioError
from audiovq.commands.arguments import UsageError, add_command, positive
from audiovq.commands.terminal import complain, progress_bar
from audiovq.report import ReportError
from audiovq.report.html import megabytes
from audiovq.report.joining import Run, load_run
from audiovq.report.page import report_page
from audiovq.system.files import write_atomically

SUMMARY = "a page to compare runs on: scores, plots, spectrograms, players, a blind test"

DESCRIPTION = """\
One HTML file with tables of scores, plots of quality against bit rate, spectrograms, players that change between the
original and each system without losing the place, a blind A/B/X test, and the use of the codebooks. The sounds are
inside it, so that it works wherever it lies, without a network.

A RUN is a folder with a report.json, as recipes.evaluate writes it. Clips of one name and recording are joined."""

EXAMPLES = """\
examples:
  audiovq report exp/scores -o report/
  audiovq report exp/scores_a exp/scores_b -o report/ --title "a against b" --clips 4
  audiovq report exp/scores -o scores.html"""


def add_report_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `report`."""
    parser = add_command(subparsers, "report", SUMMARY, EXAMPLES, _report)
    parser.description = DESCRIPTION
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a folder with a report.json")
    out = "a folder, for index.html in it, or a file that ends in .html; an older page is replaced"
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help=out)
    parser.add_argument("--title", default="", help="of the page (default: those of the runs)")
    parser.add_argument("--clips", metavar="N", type=positive, help="the first N of each run (default: all)")


def _report(given: argparse.Namespace) -> int:
    if len({folder.resolve() for folder in given.runs}) < len(given.runs):
        raise UsageError("a RUN was given twice")
    path = given.out if given.out.suffix == ".html" else given.out / "index.html"
    if path != given.out and given.out.exists() and not given.out.is_dir():
        raise UsageError(f"-o {given.out} is a file: name a folder, or a file that ends in .html")
    runs: list[Run] = []
    exit_code = 0
    for folder in given.runs:
        try:
            runs.append(load_run(folder, given.clips))
        except ReportError as error:
            exit_code = complain(str(error), exit_code=1)
    if not runs:
        return exit_code
    try:
        with progress_bar("clips") as progress:
            page = report_page(runs, given.title, progress.track)
    except AudioError as error:
        return complain(str(error), exit_code=1)
    content = page.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as file:
        file.write(content)
    print(f"{path}: {megabytes(len(content))}")
    return exit_code
