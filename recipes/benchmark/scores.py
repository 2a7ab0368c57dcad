"""Scores of a folder of results against the utterances that they are of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from audiovq.audio import io
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.registry import PACKAGES
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import measure, score_all, split_by_packages
from recipes.benchmark.codecs import Utterance

Pair = tuple[str, Path, Path]  # a name, a reference and a result


def score_folder(
    utterances: Sequence[Utterance],
    results: Path,
    out: Path,
    metrics: Sequence[str],
    num_workers: int,
    on_progress: Callable[[int], None] = lambda num_done: None,
) -> dict[str, Any]:
    """Score what is not scored yet: means with 95 % intervals, reasons for scores that some or all have not.

    Raises: ValueError for a metric that there is not; ScoreFileError when `out` holds other scores.
    """
    names, absent = split_by_packages(metrics)
    scored = ScoreFile(out / "scores.jsonl", {"metrics": names})
    pairs = [(each.name, each.path, results / each.path.name) for each in utterances]
    todo = [pair for pair in pairs if pair[0] not in scored.scores and pair[2].exists()]
    num_done = len(pairs) - len(todo)
    for scores in score_all(functools.partial(_begin, names), todo, num_workers):
        scored.add(scores)
        num_done += 1
        on_progress(num_done)
    found = [scored.scores[name] for name, _, _ in pairs if name in scored.scores]
    values = {name: [each["scores"][name] for each in found if name in each["scores"]] for name in names}
    return {
        "scores": {name: asdict(bootstrap_mean(numbers)) for name, numbers in values.items() if numbers},
        "left_out": {name: f"it needs the package {PACKAGES[name]}: pip install 'audiovq[eval]'" for name in absent},
    }


def _begin(metrics: Sequence[str]) -> Callable[[Pair], Scores]:
    torch.set_num_threads(1)
    return functools.partial(_score, metrics)


def _score(metrics: Sequence[str], pair: Pair) -> Scores:
    name, *paths = pair
    (reference, sample_rate), (result, _) = map(io.read, paths)
    values, reasons = measure(metrics, reference[0], result[0], sample_rate)
    return {"utterance": name, "scores": values, "not_measurable": reasons}
