"""The best path, against trying all of them."""

import itertools

import numpy as np
import pytest

from audiovq.priors.alignment.search import monotonic_durations


def best_score(log_probs: np.ndarray, optional: np.ndarray) -> float:
    num_frames, num_symbols = log_probs.shape
    best = -np.inf
    for durations in itertools.product(range(num_frames + 1), repeat=num_symbols):
        if sum(durations) == num_frames and all(d or o for d, o in zip(durations, optional, strict=True)):
            best = max(best, score(log_probs, np.array(durations)))
    return best


def score(log_probs: np.ndarray, durations: np.ndarray) -> float:
    which = np.repeat(np.arange(len(durations)), durations)
    return float(log_probs[np.arange(len(log_probs)), which].sum())


MASKS = ["0", "1", "00", "10", "01", "000", "101", "010", "0100", "1010", "10101"]


@pytest.mark.parametrize("mask", MASKS)
def test_no_allowed_path_is_better(mask: str) -> None:
    optional = np.array([symbol == "1" for symbol in mask])
    random = np.random.default_rng(len(mask))
    for num_frames in range(max(1, int((~optional).sum())), 6):
        log_probs = random.normal(size=(num_frames, len(mask)))
        durations = monotonic_durations(log_probs, optional)
        assert durations.sum() == num_frames and durations.dtype == np.int64
        assert (durations[~optional] > 0).all()
        assert score(log_probs, durations) == pytest.approx(best_score(log_probs, optional))


def test_the_path_follows_a_clear_diagonal() -> None:
    wanted = np.array([3, 0, 1, 4, 2])
    log_probs = np.full((10, 5), -5.0)
    log_probs[np.arange(10), np.repeat(np.arange(5), wanted)] = -0.1
    assert monotonic_durations(log_probs, np.array([0, 1, 0, 0, 0], bool)).tolist() == wanted.tolist()


def test_long_texts_have_a_path_too() -> None:
    assert monotonic_durations(np.zeros((400, 300))).sum() == 400


@pytest.mark.parametrize("num_frames", [0, 1, 2, 3])
def test_too_few_frames_are_spread_evenly(num_frames: int) -> None:
    durations = monotonic_durations(np.zeros((num_frames, 4)))
    assert durations.sum() == num_frames and durations.max(initial=0) <= 1


def test_what_cannot_be_searched_is_named() -> None:
    with pytest.raises(ValueError, match="at least one symbol"):
        monotonic_durations(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="two neighbouring symbols"):
        monotonic_durations(np.zeros((3, 2)), np.array([True, True]))
