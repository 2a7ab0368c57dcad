"""How likely real codes are to trained priors: bits for each second of audio, fewer is better.

    python -m recipes.train_prior.likelihood exp/tts1/level0 exp/tts1/level1 exp/tts1/level2
    python -m recipes.train_prior.likelihood exp/tts1/flat --alignments data/tts1/alignments_test.parquet --out b.json
    python -m recipes.train_prior.likelihood exp/music1/level0 --tokens data/tokens/test

RUN is a folder of recipes.train_prior: its model with averaged weights foresees the codes of what it was validated on,
or of the test split that is named: of speech, an alignments_*.parquet, whose codes are in the tables of the training;
of music, token tables. The bits of the parts of a cascade add up to those of the whole; beside them stands what the
codes take uncoded. A masked prior is asked for random parts, so its figure is no likelihood and only to be compared
with another masked one's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiovq.build import config_from_dict
from audiovq.metrics.summary import table
from audiovq.priors.scoring import bits_per_second
from audiovq.system.files import write_atomically
from audiovq.train.launch import launch
from audiovq.units import frame_rate
from recipes.schema import TrainPriorConfig
from recipes.train_prior.choose import task_of
from recipes.train_prior.codes_task import CodesTask


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m recipes.train_prior.likelihood",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a folder that recipes.train_prior has written"
    )
    parser.add_argument("--alignments", metavar="FILE.parquet", help="of speech (default: those of the validation)")
    parser.add_argument("--tokens", nargs="+", metavar="TABLE", help="of music (default: those of the validation)")
    parser.add_argument("--device", default="cpu", help="(default: cpu)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write the figures to this file")
    given = parser.parse_args(argv)
    try:
        rows = [likelihood(run, given) for run in given.runs]
    # What the run, its data or the settings are to blame for says so itself.
    except (ValueError, OSError) as error:
        print(f"likelihood: {error}", file=sys.stderr)
        return 2
    if given.out is not None:
        with write_atomically(given.out) as file:
            file.write((json.dumps(rows, indent=1) + "\n").encode())
    print(markdown(rows))
    return 0


def likelihood(run: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Bits per second of audio under the saved model of a run, and nats a code of each codebook.

    Raises: ValueError for a run that makes no codes; OSError for a file that is not there.
    """
    settings = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config = config_from_dict(TrainPriorConfig, settings)
    if config.part != "codes":
        raise ValueError(f"{run} forecasts {config.part}: only networks that make codes have a likelihood of codes")
    data = config.data
    if given.alignments is not None:
        data = replace(data, valid_alignments=given.alignments)
    if given.tokens is not None:
        data = replace(data, valid_tokens=given.tokens)
    config = replace(config, data=data, init_from=str(run / "model"))
    task = task_of(config, launch(given.device, "32-true", given.threads))
    assert isinstance(task, CodesTask)
    task.prior.load_state_dict(task.saved_prior(str(run / "model")).state_dict())  # all of it, unlike init_from
    found = task.validate(0, lambda: True)
    assert found is not None
    levels, layout = task.corpus.levels, task.corpus.layout
    coarsest = frame_rate(layout.sample_rate, layout.hop_lengths[0])
    sizes = {number: levels.codebook_sizes[level] for number, (level, _) in enumerate(levels.books)}
    uncoded = {book: math.log(sizes[book]) for book in task.part(task.prior).made}
    return {
        "run": str(run),
        "kind": config.model.kind,
        "data": data.valid_alignments or ", ".join(data.valid_tokens),
        **found.scalars,
        "uncoded_bits_per_second": bits_per_second(uncoded, levels, coarsest),
    }


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A row for each run, and what they are together."""
    names = ("bits_per_second", "uncoded_bits_per_second")
    parts = [[row["run"], row["kind"], row["data"], *(f"{row[name]:.1f}" for name in names)] for row in rows]
    if len(rows) > 1:
        parts.append(["together", "", "", *(f"{sum(row[name] for row in rows):.1f}" for name in names)])
    return table(["run", "kind", "codes of", "bits per second of audio ↓", "uncoded"], parts)


if __name__ == "__main__":
    sys.exit(main())
