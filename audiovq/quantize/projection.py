"""How a codebook's projections begin: so that the few dimensions it sees hold most of the latents."""

from __future__ import annotations

import torch
from torch import Tensor


def to_sphere(latents: Tensor, num_dims: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of the projection to the first principal components, and to one constant beside them.

    The constant is as large as the components are together in the mean. Scaled to unit length, latents then lie on a
    part of a sphere that is almost flat: how far they are from their mean is not lost.

    Shape: (T, D) -> (d, D) and (d,).
    """
    mean = latents.mean(0)
    centred = latents - mean
    _, directions = torch.linalg.eigh(centred.T @ centred)  # the largest come last
    weight = latents.new_zeros(num_dims, latents.shape[1])
    largest = directions.T.flip(0)[: num_dims - 1]
    weight[: len(largest)] = largest
    bias = -(weight @ mean)
    bias[-1] = (centred @ weight.T).square().sum(1).mean().sqrt().clamp(min=1e-6)
    return weight, bias


def linear_fit(points: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of the linear map from points to values with the least squared error.

    Shape: (T, d) and (T, D) -> (D, d) and (D,).
    """
    mean, centred = points.mean(0), points - points.mean(0)
    covariance = centred.T @ centred
    covariance.diagonal().add_(1e-6 * covariance.diagonal().mean().clamp(min=1e-6))
    weight = torch.linalg.solve(covariance, centred.T @ (values - values.mean(0))).T
    return weight, values.mean(0) - weight @ mean
