"""A mean and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiovq.system.optional import optional_package

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """Mean of `count` values with the 95 % interval from `low` to `high`."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap_mean(values: Sequence[float], weights: Sequence[float] | None = None, seed: int = 0) -> Interval:
    """Mean with its 95 % percentile bootstrap interval; one value alone has no interval but itself.

    With weights the mean is sum(values * weights) / sum(weights): error rates weighted by text length add up this way.

    Raises: ValueError when there is no value.
    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    if len(values) == 0:
        raise ValueError("expected at least one value to take the mean of, got none")
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    weighted = np.asarray(values, dtype=np.float64) * weight
    mean = float(weighted.sum() / weight.sum())
    if len(values) == 1:
        return Interval(mean, mean, mean, 1)

    def ratio(numerator: np.ndarray, denominator: np.ndarray, axis: int = -1) -> np.ndarray:
        return numerator.sum(axis=axis) / denominator.sum(axis=axis)

    result = optional_package("scipy.stats").bootstrap(
        (weighted, weight),
        ratio,
        paired=True,
        n_resamples=NUM_RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high), len(values))
