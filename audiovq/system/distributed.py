"""What the processes of one run do together; without a torch.distributed process group there is one process.

Every operation is collective: all processes call it, in one order, or they wait for each other forever. Tensors must
lie on a device that the process group serves. No gradients pass.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


def _grouped() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Which process this is, from 0."""
    return dist.get_rank() if _grouped() else 0


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if _grouped() else 1


@torch.no_grad()
def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    if world_size() > 1:
        whole = x.contiguous()
        dist.all_reduce(whole, op=dist.ReduceOp.SUM)
        if whole is not x:
            x.copy_(whole)
    return x


@torch.no_grad()
def broadcast_from_first(x: Tensor) -> Tensor:
    """The first process's values on every process, in place."""
    if world_size() > 1:
        whole = x.contiguous()
        dist.broadcast(whole, src=0)
        if whole is not x:
            x.copy_(whole)
    return x


@torch.no_grad()
def gather_rows(x: Tensor) -> Tensor:
    """The rows of every process in the order of their ranks, on every process.

    Shape: (N_r, ...) with N_r the process's own, also 0 -> (sum of N_r, ...).
    """
    if world_size() == 1:
        return x
    lengths = torch.zeros(world_size(), dtype=torch.int64, device=x.device)
    lengths[rank()] = len(x)
    counts = all_reduce_sum(lengths).tolist()
    longest = max(counts)
    if longest == 0:
        return x
    padded = x.new_zeros(longest, *x.shape[1:])
    padded[: len(x)] = x
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def gather_objects(value: T) -> list[T]:
    """Plain values (whatever pickles) in the order of the ranks, on every process."""
    if world_size() == 1:
        return [value]
    gathered: list[Any] = [None] * world_size()
    dist.all_gather_object(gathered, value)
    return cast(list[T], gathered)
