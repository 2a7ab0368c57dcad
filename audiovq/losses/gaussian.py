"""How unlikely numbers are under a forecast that knows its own doubt."""

from __future__ import annotations

import math

from torch import Tensor


def gaussian_loss(mean: Tensor, log_variance: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of each number, in nats. Shape: any, the same for all -> that.

    Source: Nix & Weigend 1994, Estimating the mean and variance of the target probability distribution, equation 1.
    """
    return 0.5 * ((target - mean).square() * (-log_variance).exp() + log_variance + math.log(2 * math.pi))
