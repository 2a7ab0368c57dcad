"""Fréchet distance: how far a set of embeddings lies from another, each taken for one Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError


def frechet_distance(reference: Tensor, other: Tensor) -> float:
    """Squared 2-Wasserstein distance of two Gaussians: 0 and up, lower is better, in squared units of the embeddings.

    Few embeddings bias it upwards: compare only figures of equal numbers, many times those of dimensions, and read them
    beside that of two halves of real data.

    Shape: (N, D) and (N', D)
    Raises: NotMeasurableError for fewer than two of either; ValueError for other shapes, or what is not finite.
    Source: Dowson and Landau 1982, "The Fréchet Distance between Multivariate Normal Distributions", equation 4; with
    embeddings of a network, Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", equation 6.
    """
    if reference.ndim != 2 or other.ndim != 2 or reference.shape[1] != other.shape[1]:
        shapes = f"{tuple(reference.shape)} and {tuple(other.shape)}"
        raise ValueError(f"expected two sets of embeddings (N, D) of one D, got {shapes}")
    if min(len(reference), len(other)) < 2:
        got = f"{len(reference)} and {len(other)}"
        raise NotMeasurableError(f"a Fréchet distance needs two embeddings or more of either set, got {got}")
    if not reference.isfinite().all() or not other.isfinite().all():
        raise ValueError("some embeddings are not finite; nothing can be compared with them")
    first, second = reference.double(), other.double()
    means = (first.mean(0) - second.mean(0)).square().sum()
    first_covariance, second_covariance = _covariance(first), _covariance(second)
    # The trace of the root of a product has no need of the product's own root, which is not symmetric: the eigenvalues
    # of A B are those of the symmetric sqrt(A) B sqrt(A).
    root = _root(first_covariance)
    shared = torch.linalg.eigvalsh(root @ second_covariance @ root).clamp(min=0).sqrt().sum()
    return max(0.0, float(means + first_covariance.trace() + second_covariance.trace() - 2 * shared))


def window_means(features: Tensor, window_frames: int, hop_frames: int | None = None) -> Tensor:
    """Means over whole windows of frames, as embeddings; fewer frames than a window are one of their own.

    Shape: (D, N) -> (W, D)
    Raises: ValueError for no frames, or a window or hop below 1.
    """
    hop = window_frames if hop_frames is None else hop_frames
    num_frames = features.shape[-1]
    if features.ndim != 2 or num_frames < 1 or window_frames < 1 or hop < 1:
        got = f"{tuple(features.shape)}, {window_frames} and {hop}"
        raise ValueError(f"expected (D, N) with N >= 1, and a window and a hop of 1 or more, got {got}")
    starts = range(0, max(1, num_frames - window_frames + 1), hop)
    return torch.stack([features[:, start : start + window_frames].mean(1) for start in starts])


def _covariance(embeddings: Tensor) -> Tensor:
    return torch.cov(embeddings.T).reshape(embeddings.shape[1], embeddings.shape[1])


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
