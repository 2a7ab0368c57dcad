"""A mean and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiovq.metrics.checks import optional_package


@dataclass(frozen=True)
class Interval:
    """Mean of `count` values with the 95 % interval from `low` to `high`."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap_mean(values: Sequence[float], seed: int = 0, num_resamples: int = 2000) -> Interval:
    """Mean with its 95 % percentile bootstrap interval; one value alone has no interval but itself.

    Raises: ValueError when there is no value.
    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    if len(values) == 0:
        raise ValueError("expected at least one value to take the mean of, got none")
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, mean, mean, 1)
    result = optional_package("scipy.stats").bootstrap(
        (sample,), np.mean, n_resamples=num_resamples, method="percentile", rng=np.random.default_rng(seed)
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high), len(sample))
