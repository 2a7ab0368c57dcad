"""The same utterances through every codec, scored: what results/quality.json holds, and its table."""

from __future__ import annotations

import json
import shlex
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from audiovq.metrics.choice import chosen_metrics
from audiovq.system.files import write_atomically
from recipes.benchmark import rivals
from recipes.benchmark.codec import Codec, NotAvailableError
from recipes.benchmark.codecs import SCORED_RATE, Coded, code_all, file_name, write_references
from recipes.benchmark.listen import write_report
from recipes.benchmark.machine import machine
from recipes.benchmark.scores import score_folder
from recipes.benchmark.tables import quality_table

METRICS = ("pesq_wb", "stoi", "estoi", "visqol", "speaker_similarity", "distillmos", "plcmos", "mel_distance")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared on what."""

    data: str  # a Kaldi data directory
    out: Path
    num_utterances: int = 96  # drawn evenly over the speakers; 0 takes all
    min_seconds: float = 1.0  # several scores have no value below a second
    most_seconds: float = 0.0  # of longer ones a part of this length is taken; 0 takes all
    sample_rate: int = SCORED_RATE  # of the references and of every result
    seed: int = 1
    metrics: Sequence[str] = METRICS
    num_workers: int = 1


def compare(comparison: Comparison, words: Sequence[str], command: Sequence[str]) -> dict[str, Any]:
    """Code and score what is not done yet, write results.json, RESULTS.md and report.json, and return the first.

    Raises: ValueError for a word, a metric or data that nothing can be made of; ScoreFileError when `out` holds other
    work.
    """
    for word in words:
        rivals.parse(word)
    chosen_metrics(comparison.metrics)  # what is misspelt is better known now than in an hour
    out = comparison.out
    utterances = write_references(
        comparison.data,
        out / "reference",
        comparison.num_utterances,
        comparison.min_seconds,
        comparison.seed,
        comparison.sample_rate,
        comparison.most_seconds,
    )
    rows: list[dict[str, Any]] = []
    untrained: list[str] = []
    missing: dict[str, str] = {}
    for word in words:  # one at a time: all of these networks together take gigabytes
        try:
            if rivals.lacks_weights(word):
                untrained.append(word)
                print(f"benchmark: {word} is left out: there are no weights of it here", file=sys.stderr)
                continue
            codec = rivals.make(word)
        except NotAvailableError as error:
            missing[word] = str(error)
            print(f"benchmark: {word} is left out: {error}", file=sys.stderr)
            continue
        folder = out / file_name(word)
        with _progress(f"{codec.name}: coding", len(utterances)) as tell:
            coded = code_all(word, codec, utterances, folder, tell)
        with _progress(f"{codec.name}: scoring", len(utterances)) as tell:
            summary = score_folder(utterances, folder / "wav", folder, comparison.metrics, comparison.num_workers, tell)
        rows.append(_row(word, codec, coded) | summary)
    results = {
        "command": shlex.join(["python", "-m", "recipes.benchmark", *command]),
        "machine": machine(),
        "data": comparison.data,
        "num_utterances": len(utterances),
        "num_speakers": len({utterance.speaker for utterance in utterances}),
        "seconds": round(sum(utterance.seconds for utterance in utterances), 1),
        "min_seconds": comparison.min_seconds,
        "most_seconds": comparison.most_seconds,
        "sample_rate": comparison.sample_rate,
        "metrics": list(comparison.metrics),
        "codecs": sorted(rows, key=lambda row: row["payload_bits_per_second"]),
        "untrained": untrained,
        "missing": missing,
    }
    write_json(out / "results.json", results)
    with write_atomically(out / "RESULTS.md") as file:
        file.write(f"{quality_table(results)}\n".encode())
    write_report(out, results, utterances)
    return results


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Indented, so that a change can be read as a difference."""
    with write_atomically(path) as file:
        file.write((json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _row(word: str, codec: Codec, coded: Coded) -> dict[str, Any]:
    values = asdict(coded)
    delays = values.pop("delays_samples")
    return {
        "codec": word,
        "name": codec.name,
        "sample_rate": codec.sample_rate,
        "num_parameters": codec.num_parameters,
        **values,
        "delay_samples": statistics.median_low(delays) if delays else None,
        "failures": [f"{name}: {reason}" for name, reason in coded.failures.items()],
    }


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda num_done: progress.update(task, completed=num_done)
