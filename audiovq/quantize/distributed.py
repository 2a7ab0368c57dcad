"""The two collective operations that running statistics need; without a process group they do nothing."""

from __future__ import annotations

import torch.distributed as dist
from torch import Tensor


def _active() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    if _active():
        dist.all_reduce(x, op=dist.ReduceOp.SUM)
    return x


def broadcast_from_first(x: Tensor) -> Tensor:
    """The first process's values on every process, in place."""
    if _active():
        x = x.contiguous()
        dist.broadcast(x, src=0)
    return x
