"""Sequences of codes as ranks, with which runs of any length are compared exactly, and many at a time."""

from __future__ import annotations

import numpy as np


def as_frames(codes: np.ndarray) -> np.ndarray:
    """Codes with a row for each frame.

    Shape: (N,) or (N, K) -> (N, K)
    Raises: ValueError for other shapes, or what is no integer.
    """
    codes = np.asarray(codes)
    if codes.ndim not in (1, 2) or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"expected integers (N,) or (N, K), got {codes.dtype} of shape {codes.shape}")
    return codes[:, None] if codes.ndim == 1 else codes


def append_column(ranks: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The ranks of (rank, value) in lexicographic order: equal pairs get one rank, and ranks have no gaps from 0.

    Shape: (N,) and (N,) -> (N,) int64
    """
    if not len(ranks):
        return np.zeros(0, np.int64)
    low = int(column.min())
    pairs = ranks.astype(np.int64) * (int(column.max()) - low + 1) + (column.astype(np.int64) - low)
    inverse: np.ndarray = np.unique(pairs, return_inverse=True)[1]
    return inverse.reshape(-1)
