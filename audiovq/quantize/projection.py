"""How a codebook's projections begin: so that the few dimensions it sees hold most of the latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiovq.system.distributed import broadcast_from_first


def principal_components(latents: Tensor, num_dims: int) -> tuple[Tensor, Tensor]:
    """Mean and directions of unit length, that of the largest variance first; zeros beyond the latents' width.

    Shape: (T, D) -> (D,) and (d, D).
    """
    mean = latents.mean(0)
    centred = latents - mean
    _, directions = torch.linalg.eigh(centred.T @ centred)  # the largest come last
    largest = directions.T.flip(0)[:num_dims]
    return mean, torch.cat([largest, latents.new_zeros(num_dims - len(largest), latents.shape[1])])


def to_sphere(latents: Tensor, num_dims: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of the projection to the first principal components, and to one constant beside them.

    The constant is as large as the components are together in the mean. Scaled to unit length, latents then lie on a
    part of a sphere that is almost flat: how far they are from their mean is not lost.

    Shape: (T, D) -> (d, D) and (d,).
    """
    mean, directions = principal_components(latents, num_dims - 1)
    weight = torch.cat([directions, latents.new_zeros(1, latents.shape[1])])
    bias = -(weight @ mean)
    bias[-1] = ((latents - mean) @ weight.T).square().sum(1).mean().sqrt().clamp(min=1e-6)
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


def set_from_first(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Set a layer to the weight and bias of the first process, on all of them."""
    layer.weight.copy_(broadcast_from_first(weight))
    layer.bias.copy_(broadcast_from_first(bias))
