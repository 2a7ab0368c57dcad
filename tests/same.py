"""Equality of nested states."""

from typing import Any

import torch


def same(a: Any, b: Any) -> bool:
    """Whether two trees of dictionaries, lists and values are equal, tensors bit by bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
