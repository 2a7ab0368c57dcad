"""What recipes that score share: one pair of waves, and many of them on several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.registry import WAVE_METRICS
from audiovq.metrics.score_file import Scores

Score = Callable[[Any], Scores]  # of one utterance


def measure(
    metrics: Sequence[str], reference: Tensor, result: Tensor, sample_rate: int
) -> tuple[dict[str, float], dict[str, str]]:
    """The scores of a pair of waves, and why those that are missing could not be taken. Shape: each (T,)."""
    values, reasons = {}, {}
    for name in metrics:
        try:
            # Rounded, since numpy's last bits follow where in memory an array happens to lie.
            values[name] = round(WAVE_METRICS[name](reference, result, sample_rate), 9)
        except NotMeasurableError as error:
            reasons[name] = str(error)
    return values, reasons


def score_all(begin: Callable[[], Score], utterances: Sequence[Any], num_workers: int) -> Iterator[Scores]:
    """Scores of each utterance, as they get done. ``begin`` is called once in each of the processes."""
    if num_workers <= 1:
        yield from map(begin(), utterances)
        return
    # Threads of torch do not survive a fork, hence spawn.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_workers, context, _start_worker, (begin,)) as pool:
        try:
            for future in as_completed([pool.submit(_score_in_worker, utterance) for utterance in utterances]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_score: Score | None = None  # one for each worker process


def _start_worker(begin: Callable[[], Score]) -> None:
    global _score
    _score = begin()


def _score_in_worker(utterance: Any) -> Scores:
    assert _score is not None
    return _score(utterance)
