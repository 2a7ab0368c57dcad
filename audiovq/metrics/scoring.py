"""What recipes that score share: one pair of waves, and many of them on several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.registry import METRICS
from audiovq.metrics.score_file import Scores

Score = Callable[[Any], Scores]  # of one utterance
WhenKilled = Callable[[Any, str], Scores]  # takes an utterance that was not scored, and the reason

_WHY = "perhaps for want of memory, of which fewer processes need less"


def measure(
    metrics: Sequence[str], reference: Tensor, result: Tensor, sample_rate: int
) -> tuple[dict[str, float], dict[str, str]]:
    """The scores of a pair of waves, and why those that are missing could not be taken.

    Most are of mono: of the mean of the channels.

    Shape: each (T,) or (C, T)
    """
    values, reasons = {}, {}
    both = (_with_channels(reference), _with_channels(result))
    mono = (both[0].mean(0), both[1].mean(0))
    for name in metrics:
        try:
            metric = METRICS[name]
            first, second = both if metric.stereo else mono
            # Rounded, since numpy's last bits follow where in memory an array happens to lie.
            values[name] = round(metric.measure(first, second, sample_rate), 9)
        except NotMeasurableError as error:
            reasons[name] = str(error)
    return values, reasons


def _with_channels(wave: Tensor) -> Tensor:
    return wave[None] if wave.ndim == 1 else wave


def _give_up(utterance: Any, reason: str) -> Scores:
    raise ChildProcessError(f"{utterance}: {reason}; what is scored is kept, and the same command goes on")


def score_all(
    begin: Callable[[], Score], utterances: Sequence[Any], num_workers: int, when_killed: WhenKilled = _give_up
) -> Iterator[Scores]:
    """Scores of each utterance, as they get done. ``begin`` is called once in each of the processes.

    When a process is killed, those that it may have been scoring are scored again, one after the other; of one that
    kills its process again the scores are what ``when_killed`` gives.

    Raises: ChildProcessError for an utterance whose process is killed, unless ``when_killed`` does something else.
    """
    if num_workers <= 1:
        yield from map(begin(), utterances)
        return
    waiting = list(utterances)
    while waiting:
        left = yield from _score_until_killed(begin, waiting, num_workers)
        # Handed to processes in this order: those that run, and as many and one more that are about to.
        suspects, waiting = left[: 2 * num_workers + 1], left[2 * num_workers + 1 :]
        while suspects:  # one after the other, so that the first that is left is the one
            suspects = yield from _score_until_killed(begin, suspects, 1)
            if suspects:
                yield when_killed(suspects.pop(0), f"the process that scored it was killed, {_WHY}")


def _score_until_killed(
    begin: Callable[[], Score], utterances: Sequence[Any], num_workers: int
) -> Generator[Scores, None, list[Any]]:
    """Returns what is not scored since a process was killed."""
    # Threads of torch do not survive a fork, hence spawn.
    context = multiprocessing.get_context("spawn")
    left = dict(enumerate(utterances))
    with ProcessPoolExecutor(num_workers, context, _start_worker, (begin,)) as pool:
        try:
            if not _has_begun(pool):
                raise ChildProcessError(f"a process was killed before it could score anything, {_WHY}")
            numbers = {pool.submit(_score_in_worker, utterance): number for number, utterance in left.items()}
            for future in as_completed(numbers):
                if isinstance(future.exception(), BrokenProcessPool):
                    continue
                yield future.result()
                del left[numbers[future]]
        except BrokenProcessPool:  # of a submission: one was killed while others were still handed out
            pass
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return list(left.values())


def _has_begun(pool: ProcessPoolExecutor) -> bool:
    return not isinstance(pool.submit(_nothing).exception(), BrokenProcessPool)


def _nothing() -> None: ...


_score: Score | Exception | None = None  # one for each worker process


def _start_worker(begin: Callable[[], Score]) -> None:
    global _score
    try:
        _score = begin()
    except Exception as error:  # told by the first utterance: what is raised here is lost
        _score = error


def _score_in_worker(utterance: Any) -> Scores:
    assert _score is not None
    if isinstance(_score, Exception):
        raise _score
    return _score(utterance)
