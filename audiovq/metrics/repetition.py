"""How often codes say again what they have said: generators that are stuck, beside real sounds that repeat too."""

from __future__ import annotations

import numpy as np

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.ranks import append_column, as_frames


def ngram_repetition(codes: np.ndarray, n: int = 4) -> float:
    """Share of n-grams that the sequence has had before: 0 to 1, no unit, good when as high as that of real codes.

    Shape: (N,) or (N, K): a frame of several codebooks is one symbol.
    Raises: NotMeasurableError for fewer than n frames.
    Source: Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training", section 6.1: seq-rep-n.
    """
    frames = as_frames(codes)
    count = len(frames) - n + 1
    if n < 1:
        raise ValueError(f"an n-gram has one symbol or more, got n = {n}")
    if count < 1:
        raise NotMeasurableError(f"the repetition of {n}-grams needs {n} frames, got {len(frames)}")
    ranks = np.zeros(count, np.int64)
    for start in range(n):
        for column in frames[start : start + count].T:
            ranks = append_column(ranks, column)
    return 1.0 - (int(ranks.max()) + 1) / count


def longest_hold_frames(codes: np.ndarray) -> int:
    """Frames of the longest stretch in which nothing changes: 1 and up, good when about that of real codes.

    Shape: (N,) or (N, K)
    Raises: NotMeasurableError for no frames.
    """
    frames = as_frames(codes)
    if not len(frames):
        raise NotMeasurableError("there are no frames")
    changes = np.flatnonzero((frames[1:] != frames[:-1]).any(axis=1)) + 1
    return int(np.diff(np.concatenate([[0], changes, [len(frames)]])).max())
