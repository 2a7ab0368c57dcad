"""k-means on the unit sphere, the start of a codebook. Nothing in it is random."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.quantize.sums import counts_and_sums, sum_by_code


def evenly_spaced(points: Tensor, count: int) -> Tensor:
    """``count`` different rows of points, from all over it; every row when there are fewer. Shape: (T, d)."""
    count = min(count, len(points))
    middles = 2 * torch.arange(count, device=points.device) + 1
    return points[middles * len(points) // (2 * max(count, 1))]


def spherical_kmeans(points: Tensor, num_clusters: int, num_iterations: int = 20) -> Tensor:
    """Unit centres of unit points by cosine similarity; an empty cluster moves to the point worst served.

    Shape: (T, d) -> (V, d).
    Source: Dhillon & Modha 2001, Concept decompositions for large sparse text data using clustering, section 3.
    """
    if len(points) < num_clusters:
        raise ValueError(f"{len(points)} latents cannot start {num_clusters} codebook entries: collect more batches")
    centres = evenly_spaced(points, num_clusters)
    for _ in range(num_iterations):
        similarity, nearest = (points @ centres.T).max(dim=1)
        counts, sums = counts_and_sums(sum_by_code(points, nearest, num_clusters))
        centres = F.normalize(sums, dim=1)
        empty = (counts == 0).nonzero()[:, 0]
        centres[empty] = points[similarity.argsort(stable=True)[: len(empty)]]
    return centres
