"""The most likely monotonic path through symbols."""

from __future__ import annotations

import numpy as np

_NEVER = -1e30


def monotonic_durations(log_probs: np.ndarray, optional: np.ndarray | None = None) -> np.ndarray:
    """Frames of each symbol on the best path; they sum to the number of frames.

    A symbol lasts at least one frame, or none where ``optional`` is true. Where there are fewer frames than symbols
    that need one, there is no such path: the frames are then spread evenly.

    Shape: log_probs (N, S), optional (S,) bool -> (S,) int64.
    Raises: ValueError for no symbols, or two neighbours that are both optional.
    Source: Kim et al. 2020, Glow-TTS, algorithm 1; optional symbols as the blanks of Graves et al. 2006, CTC.
    """
    num_frames, num_symbols = log_probs.shape
    can_skip = np.zeros(num_symbols, bool) if optional is None else optional.astype(bool)
    if num_symbols == 0:
        raise ValueError("expected at least one symbol, got none")
    if (can_skip[1:] & can_skip[:-1]).any():
        raise ValueError("two neighbouring symbols are optional: make one of them first")
    if num_frames < max(1, np.count_nonzero(~can_skip)):
        return np.diff(np.round(np.linspace(0, num_frames, num_symbols + 1)).astype(np.int64))

    # Two more columns before the first symbol, so that each of them has two to come from.
    scores = np.full(num_symbols + 2, _NEVER)
    over_optional = np.where(np.concatenate([[False, False], can_skip])[1:-1], 0.0, _NEVER)
    candidates = np.empty((3, num_symbols))
    moves = np.zeros((num_frames, num_symbols), np.int8)
    scores[2] = log_probs[0, 0]
    if can_skip[0] and num_symbols > 1:
        scores[3] = log_probs[0, 1]
    for frame in range(1, num_frames):
        candidates[0] = scores[2:]
        candidates[1] = scores[1:-1]
        candidates[2] = scores[:-2] + over_optional
        moves[frame] = candidates.argmax(0)
        scores[2:] = candidates.max(0) + log_probs[frame]

    symbol = num_symbols - 1
    if can_skip[-1] and scores[-2] > scores[-1]:  # with one symbol scores[-2] is that of no symbol: never
        symbol -= 1
    durations = np.zeros(num_symbols, np.int64)
    for frame in range(num_frames - 1, -1, -1):
        durations[symbol] += 1
        symbol -= int(moves[frame, symbol])
    return durations
