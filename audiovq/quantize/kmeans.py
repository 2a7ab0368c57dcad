"""k-means on the unit sphere, the start of a codebook."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spherical_kmeans(points: Tensor, num_clusters: int, num_iterations: int = 20) -> Tensor:
    """Unit centres of unit points by cosine similarity; an empty cluster moves to the point worst served.

    Shape: (T, d) -> (V, d).
    Source: Dhillon & Modha 2001, Concept decompositions for large sparse text data using clustering, section 3.
    """
    if len(points) < num_clusters:
        raise ValueError(f"{len(points)} latents cannot start {num_clusters} codebook entries: collect more batches")
    centres = points[torch.randperm(len(points), device=points.device)[:num_clusters]].clone()
    for _ in range(num_iterations):
        similarity, nearest = (points @ centres.T).max(dim=1)
        counts = torch.bincount(nearest, minlength=num_clusters)
        centres = F.normalize(torch.zeros_like(centres).index_add_(0, nearest, points), dim=1)
        empty = (counts == 0).nonzero()[:, 0]
        centres[empty] = points[similarity.argsort()[: len(empty)]]
    return centres
