"""Scores of a folder of results against the utterances that they are of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from audiovq.audio import io
from audiovq.metrics.choice import chosen_metrics, without_absent
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import measure, score_all
from recipes.benchmark.codecs import Utterance


@dataclass(frozen=True)
class Work:
    """A reference, its result and the scores that they lack, beside those that they have."""

    reference: Path
    result: Path
    metrics: tuple[str, ...]
    before: Scores

    def __str__(self) -> str:
        return str(self.result)


def score_folder(
    utterances: Sequence[Utterance],
    results: Path,
    out: Path,
    metrics: Sequence[str],
    num_workers: int,
    on_progress: Callable[[int], None] = lambda num_done: None,
) -> dict[str, Any]:
    """Score what is not scored yet: means with 95 % intervals, reasons for scores that some or all have not.

    Raises: ValueError for a metric that there is not; ScoreFileError when the scores in `out` are damaged.
    """
    names, absent = without_absent(chosen_metrics(metrics))
    scored = ScoreFile(out / "scores.jsonl", {})
    todo = []
    for each in utterances:
        before = scored.scores.get(each.name, {"utterance": each.name, "scores": {}, "not_measurable": {}})
        missing = tuple(name for name in names if name not in before["scores"] | before["not_measurable"])
        if missing and (results / each.path.name).exists():
            todo.append(Work(each.path, results / each.path.name, missing, before))
    num_done = len(utterances) - len(todo)
    for scores in score_all(_begin, todo, num_workers):
        scored.add(scores)
        num_done += 1
        on_progress(num_done)
    found = [scored.scores[each.name] for each in utterances if each.name in scored.scores]
    values = {name: [each["scores"][name] for each in found if name in each["scores"]] for name in names}
    return {
        "scores": {name: asdict(bootstrap_mean(numbers)) for name, numbers in values.items() if numbers},
        "left_out": absent,
    }


def _begin() -> Callable[[Work], Scores]:
    torch.set_num_threads(1)
    return _score


def _score(work: Work) -> Scores:
    (reference, sample_rate), (result, _) = io.read(work.reference), io.read(work.result)
    values, reasons = measure(work.metrics, reference[0], result[0], sample_rate)
    return work.before | {
        "scores": work.before["scores"] | values,
        "not_measurable": work.before["not_measurable"] | reasons,
    }
