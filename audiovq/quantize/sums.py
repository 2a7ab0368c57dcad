"""Sums of unit vectors that depend on no order, and so not on threads, micro-batches or the number of processes."""

from __future__ import annotations

import torch
from torch import Tensor

# Whole numbers add up exactly. One unit is finer than float32 tells apart, and 2**31 vectors of one code still fit.
UNITS = 2**32


def sum_by_code(points: Tensor, codes: Tensor, num_codes: int) -> Tensor:
    """For every code how many unit vectors have it, and their sum in units of 1 / UNITS; such tables can be added.

    Shape: (T, d), (T,) -> (V, 1 + d) int64.
    """
    fixed_point = (points.float() * UNITS).round().long()
    rows = torch.cat([torch.ones_like(codes)[:, None], fixed_point], dim=1)
    return rows.new_zeros(num_codes, rows.shape[1]).index_add_(0, codes, rows)


def counts_and_sums(table: Tensor) -> tuple[Tensor, Tensor]:
    """What a table of ``sum_by_code`` says, in float32. Shape: (V, 1 + d) -> (V,), (V, d)."""
    return table[:, 0].float(), table[:, 1:].float() / UNITS
