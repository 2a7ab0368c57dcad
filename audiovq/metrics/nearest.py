"""What of generated codes stands in the training codes: a generator that plays back its training data is found out.

Silence and steady sounds recur in any data: read the figures of generated codes beside those of real ones held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.ranks import append_column, as_frames


@dataclass(frozen=True)
class CommonRun:
    """`length_frames` frames from `start` on are those of training sequence `source` from `source_start` on."""

    length_frames: int
    start: int
    source: int
    source_start: int


@dataclass(frozen=True)
class NearestWindow:
    """The window at `start` differs in the share `distance` of its codes from training sequence `source`."""

    distance: float
    start: int
    source: int
    source_start: int


def longest_common_runs(sequences: Sequence[np.ndarray], training: Sequence[np.ndarray]) -> list[CommonRun]:
    """Of each sequence, its longest run of frames that a training sequence has too, in all codebooks: 0 and up.

    Long runs mean memorised; good when as short as those of held-out real codes of the same lengths. Exact: no hashes.

    Shape: each (N,) or (N, K), with one K
    Raises: ValueError for other shapes; NotMeasurableError without training codes.
    Source: Manber and Myers 1993, "Suffix Arrays": ranks of runs of doubled length.
    """
    frames, lengths, num_training = _joined(sequences, training)
    ends = np.cumsum(np.array(lengths) + 1) - 1  # where each sequence has an end symbol of its own behind it
    inside = np.ones(sum(lengths) + len(lengths), bool)
    inside[ends] = False
    ranks = np.zeros(len(inside), np.int64)
    ranks[ends] = 1 + np.arange(len(ends))
    for column in frames.T:
        padded = np.zeros(len(ranks), np.int64)
        padded[inside] = column
        ranks = append_column(ranks, padded)
    border = int(ends[num_training - 1]) + 1  # what lies before it is training
    starts = np.concatenate([[0], ends + 1])
    best, places = _longest_matches(ranks, border)
    runs = []
    for begin, end in zip(starts[num_training:-1], ends[num_training:], strict=True):
        start = int(best[begin : end + 1].argmax())
        length, place = int(best[begin + start]), int(places[begin + start])
        source = int(np.searchsorted(starts, place, side="right")) - 1
        runs.append(CommonRun(length, start, source, place - int(starts[source])))
    return runs


def nearest_windows(
    sequences: Sequence[np.ndarray], training: Sequence[np.ndarray], window_frames: int
) -> list[NearestWindow | None]:
    """Of each sequence, the window that is most like one of training: the share of codes that differ, 0 to 1.

    Near 0 means memorised; good when as high as that of held-out real codes. Windows of the sequence follow each other,
    those of training begin at any frame. None for a sequence shorter than a window.

    Shape: each (N,) or (N, K), with one K
    Raises: ValueError for other shapes, or no window; NotMeasurableError when no training sequence is that long.
    Source: Hamming 1950, "Error Detecting and Error Correcting Codes".
    """
    if window_frames < 1:
        raise ValueError(f"a window has one frame or more, got {window_frames}")
    frames, lengths, num_training = _joined(sequences, training)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.ascontiguousarray(frames[: starts[num_training]].T.astype(np.int32))
    whole = np.concatenate(
        [np.arange(start, start + length - window_frames + 1) for start, length in zip(starts, lengths, strict=False)][
            :num_training
        ]
    ).astype(np.int64)
    if not len(whole):
        raise NotMeasurableError(f"no training sequence has a window of {window_frames} frames")
    return [
        _nearest(frames[starts[number] : starts[number + 1]], columns, whole, starts[:num_training], window_frames)
        for number in range(num_training, len(lengths))
    ]


def _nearest(
    sequence: np.ndarray, columns: np.ndarray, whole: np.ndarray, sources: np.ndarray, window_frames: int
) -> NearestWindow | None:
    best: NearestWindow | None = None
    num_places = columns.shape[1] - window_frames + 1
    for start in range(0, len(sequence) - window_frames + 1, window_frames):
        same = np.zeros(num_places, np.int32)
        for offset, codes in enumerate(sequence[start : start + window_frames]):
            for column, code in zip(columns, codes, strict=True):
                same += column[offset : offset + num_places] == code
        at = int(whole[same[whole].argmax()])
        distance = 1 - int(same[at]) / (window_frames * len(columns))
        if best is None or distance < best.distance:
            source = int(np.searchsorted(sources, at, side="right")) - 1
            best = NearestWindow(distance, start, source, at - int(sources[source]))
    return best


def _joined(sequences: Sequence[np.ndarray], training: Sequence[np.ndarray]) -> tuple[np.ndarray, list[int], int]:
    """All frames, those of training first; the lengths of all sequences; how many of them are training."""
    rows = [as_frames(codes) for codes in [*training, *sequences]]
    if not sum(map(len, rows[: len(training)])):
        raise NotMeasurableError("there are no training codes to compare with")
    if len({row.shape[1] for row in rows}) > 1:
        raise ValueError(f"expected one number of codebooks, got {sorted({row.shape[1] for row in rows})}")
    return np.concatenate(rows), [len(row) for row in rows], len(training)


def _longest_matches(ranks: np.ndarray, border: int) -> tuple[np.ndarray, np.ndarray]:
    """From each position on, how many frames stand before the border too, and where; of those behind it."""
    doubled = _doubled(ranks, border)
    order = np.argsort(doubled[-1], kind="stable")
    # In the order of all suffixes the longest match of each is with the nearest one of training, above or below it.
    positions = np.arange(len(ranks))
    training = order < border
    above = np.maximum.accumulate(np.where(training, positions, -1))
    below = np.minimum.accumulate(np.where(training, positions, len(ranks))[::-1])[::-1]
    row = np.empty(len(ranks), np.int64)
    row[order] = positions
    best, places = np.zeros(len(ranks), np.int64), np.zeros(len(ranks), np.int64)
    asked = positions[border:]
    for neighbours in (above[row[asked]], below[row[asked]]):
        known = (neighbours >= 0) & (neighbours < len(ranks))
        other = order[np.where(known, neighbours, 0)]
        lengths = np.where(known, _common_lengths(doubled, asked, other), 0)
        places[asked] = np.where(lengths > best[asked], other, places[asked])
        best[asked] = np.maximum(best[asked], lengths)
    return best, places


def _doubled(ranks: np.ndarray, border: int) -> list[np.ndarray]:
    """Ranks of the runs of 1, 2, 4 ... frames, up to where no rank is on both sides of the border."""
    levels = [ranks.astype(np.int32)]
    step = 1
    while step < len(ranks) and _is_shared(levels[-1], border):
        ahead = np.full(len(ranks), -1, np.int64)
        ahead[:-step] = levels[-1][step:]
        levels.append(append_column(levels[-1], ahead).astype(np.int32))
        step *= 2
    return levels


def _is_shared(ranks: np.ndarray, border: int) -> bool:
    before = np.zeros(int(ranks.max()) + 1, bool)
    before[ranks[:border]] = True
    return bool(before[ranks[border:]].any())


def _common_lengths(doubled: Sequence[np.ndarray], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many frames from each of two positions on are the same."""
    length = np.zeros(len(first), np.int64)
    last = len(doubled[0]) - 1
    for power in reversed(range(len(doubled))):
        here, there = np.minimum(first + length, last), np.minimum(second + length, last)
        equal = doubled[power][here] == doubled[power][there]
        length += np.where(equal, 1 << power, 0)
    return length
