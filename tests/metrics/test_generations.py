"""What is asked of generated codes and embeddings, against values worked out by hand and plain searches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.frechet import frechet_distance, window_means
from audiovq.metrics.nearest import CommonRun, NearestWindow, longest_common_runs, nearest_windows
from audiovq.metrics.repetition import longest_hold_frames, ngram_repetition
from audiovq.system.optional import optional_package


def test_frechet_distance_of_axes_is_that_of_each_axis() -> None:
    # Variances 2 and 8 against 8 and 2, means 3 apart on one axis: 9 + (sqrt(2) - sqrt(8))**2 twice.
    first = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]]) * math.sqrt(3)
    second = first.flip(1) + torch.tensor([3.0, 0.0])
    assert torch.cov(first.T).diagonal().tolist() == pytest.approx([2, 8])
    assert frechet_distance(first, second) == pytest.approx(9 + 2 * (math.sqrt(8) - math.sqrt(2)) ** 2)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_is_that_of_the_root_of_the_product() -> None:
    random = torch.Generator().manual_seed(3)
    first = torch.randn(50, 4, generator=random) @ torch.randn(4, 4, generator=random)
    second = torch.randn(70, 4, generator=random) @ torch.randn(4, 4, generator=random) + 1
    covariances = [np.cov(each.double().numpy().T) for each in (first, second)]
    root = optional_package("scipy.linalg").sqrtm(covariances[0] @ covariances[1]).real
    means = (first.double().mean(0) - second.double().mean(0)).square().sum().item()
    expected = means + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


def test_frechet_distance_of_fewer_embeddings_than_dimensions() -> None:
    few = torch.eye(6)[:3]
    assert frechet_distance(few, few + 1) == pytest.approx(6)
    assert frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [3.0]])) == pytest.approx(1)
    with pytest.raises(NotMeasurableError, match="got 1 and 3"):
        frechet_distance(few[:1], few)
    with pytest.raises(ValueError, match=r"\(3, 6\) and \(3, 2\)"):
        frechet_distance(few, few[:, :2])
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(few, few / 0)


def test_window_means_are_of_whole_windows() -> None:
    features = torch.tensor([[0.0, 2.0, 4.0, 6.0, 9.0], [1.0, 1.0, 1.0, 1.0, 0.0]])
    assert window_means(features, 2).tolist() == [[1, 1], [5, 1]]
    assert window_means(features, 2, 1).tolist() == [[1, 1], [3, 1], [5, 1], [7.5, 0.5]]
    assert window_means(features[:, :3], 8).tolist() == [[2, 1]]
    with pytest.raises(ValueError, match="N >= 1"):
        window_means(features[:, :0], 2)


def test_repetition_by_hand() -> None:
    assert ngram_repetition(np.array([1, 2, 3, 1, 2, 3, 4]), n=2) == pytest.approx(1 - 4 / 6)  # 12 23 31 12 23 34
    assert ngram_repetition(np.array([5, 5, 5, 5, 5]), n=2) == pytest.approx(3 / 4)
    assert ngram_repetition(np.arange(9), n=4) == 0
    # Of two codebooks, a frame is said again only when both are.
    assert ngram_repetition(np.array([[1, 1], [2, 2], [1, 1], [2, 3]]), n=1) == pytest.approx(1 - 3 / 4)
    with pytest.raises(NotMeasurableError, match="needs 4 frames, got 3"):
        ngram_repetition(np.arange(3))


def test_holds_by_hand() -> None:
    assert longest_hold_frames(np.array([1, 1, 2, 2, 2, 1])) == 3
    assert longest_hold_frames(np.array([7, 7])) == 2
    assert longest_hold_frames(np.array([[1, 0], [1, 0], [1, 1]])) == 2


def test_the_longest_common_run_by_hand() -> None:
    training = [np.array([9, 1, 2, 3]), np.array([4, 5, 6, 7, 8])]
    runs = longest_common_runs(
        [np.array([0, 5, 6, 7, 1]), np.array([1, 2, 3, 4]), np.array([0, 0]), np.array([], int)], training
    )
    # No run goes from the end of one training sequence into the next: 3 and 4 are neighbours in none.
    assert runs == [CommonRun(3, 1, 1, 1), CommonRun(3, 0, 0, 1), CommonRun(0, 0, 0, 0), CommonRun(0, 0, 0, 0)]


def test_the_nearest_window_by_hand() -> None:
    training = [np.array([9, 1, 2, 3]), np.array([4, 5, 6, 7, 8])]
    found = nearest_windows([np.array([0, 0, 0, 4, 6, 6]), np.array([9, 3, 0]), np.array([1])], training, 3)
    assert found == [NearestWindow(1 - 2 / 3, 3, 1, 0), NearestWindow(1 - 1 / 3, 0, 0, 0), None]
    both = [np.array([[1, 5], [2, 6]])]
    assert nearest_windows([np.array([[1, 5], [2, 0]])], both, 2) == [NearestWindow(0.25, 0, 0, 0)]
    with pytest.raises(NotMeasurableError, match="window of 9"):
        nearest_windows([np.arange(9)], training, 9)
    with pytest.raises(NotMeasurableError, match="no training codes"):
        longest_common_runs([np.arange(9)], [np.array([], int)])
    with pytest.raises(ValueError, match=r"got \[1, 2\]"):
        longest_common_runs([np.arange(9)], both)


def plain_run(sequence: np.ndarray, training: list[np.ndarray]) -> int:
    return max(
        (
            length
            for source in training
            for i in range(len(sequence))
            for j in range(len(source))
            for length in range(1, min(len(sequence) - i, len(source) - j) + 1)
            if (sequence[i : i + length] == source[j : j + length]).all()
        ),
        default=0,
    )


def plain_distance(sequence: np.ndarray, training: list[np.ndarray], window: int) -> float | None:
    return min(
        (
            float((sequence[i : i + window] != source[j : j + window]).mean())
            for source in training
            for i in range(0, len(sequence) - window + 1, window)
            for j in range(len(source) - window + 1)
        ),
        default=None,
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    num_codebooks = draw(st.integers(1, 2))
    frame = st.lists(st.integers(0, 2), min_size=num_codebooks, max_size=num_codebooks)
    sequence = st.lists(frame, max_size=12).map(lambda rows: np.array(rows, int).reshape(-1, num_codebooks))
    training = draw(st.lists(sequence, min_size=1, max_size=3).filter(lambda each: sum(map(len, each)) > 0))
    return draw(st.lists(sequence, max_size=3)), training


@given(tables(), st.integers(1, 3))
def test_searches_find_what_a_plain_one_finds(given: tuple[list[np.ndarray], list[np.ndarray]], window: int) -> None:
    sequences, training = given
    for sequence, run in zip(sequences, longest_common_runs(sequences, training), strict=True):
        length = run.length_frames
        assert length == plain_run(sequence, training)
        found = training[run.source][run.source_start : run.source_start + length]
        assert np.array_equal(sequence[run.start : run.start + length], found)
    if max(map(len, training)) < window:
        return
    for sequence, near in zip(sequences, nearest_windows(sequences, training, window), strict=True):
        expected = plain_distance(sequence, training, window)
        assert (near is None) == (expected is None)
        if near is not None:
            assert near.distance == pytest.approx(expected)
            found = training[near.source][near.source_start : near.source_start + window]
            assert (sequence[near.start : near.start + window] != found).mean() == pytest.approx(expected)
