"""How much of a codebook is in use, from how often each entry was counted."""

import math

import torch
from torch import Tensor


def code_counts(codes: Tensor, codebook_size: int) -> Tensor:
    """How often each entry occurs, per codebook.

    Shape: (K, N) -> (K, V) int64
    """
    return torch.stack([torch.bincount(row, minlength=codebook_size) for row in codes.long()])


def usage(counts: Tensor) -> Tensor:
    """Share of entries that occur at all: 0 to 1, higher is better, no unit.

    Shape: (..., V) -> (...)
    """
    return (counts > 0).double().mean(dim=-1)


def entropy(counts: Tensor) -> Tensor:
    """Entropy of the entries' frequencies: 0 to log2(V), higher is better, in bits. Few counts bias it downwards.

    Shape: (..., V) -> (...)
    Raises: ValueError when nothing was counted.
    Source: Shannon 1948, "A Mathematical Theory of Communication", section 6.
    """
    total = counts.sum(dim=-1, keepdim=True)
    if (total == 0).any():
        raise ValueError("expected at least one code for every codebook, got none")
    return torch.special.entr(counts.double() / total).sum(dim=-1) / math.log(2)


def perplexity(counts: Tensor) -> Tensor:
    """Number of equally frequent entries of the same entropy: 1 to V, higher is better, in entries.

    Shape: (..., V) -> (...)
    """
    return torch.exp2(entropy(counts))
