"""Gradients summed over processes in one collective operation."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from audiovq.system.distributed import all_reduce_sum, world_size


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its sum over all processes, in place.

    A parameter that no process has a gradient for keeps None, so that optimizers skip it as with one process; the flags
    that tell travel with the gradients. No process is waited for in vain: each always sends everything.
    """
    if world_size() == 1:
        return
    parameters = list(parameters)
    flags = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=parameters[0].device)
    flat = torch.cat([flags, *(_flat_gradient(parameter) for parameter in parameters)])
    all_reduce_sum(flat)
    anywhere, sums = flat[: len(parameters)].tolist(), flat[len(parameters) :]
    for parameter, present, total in zip(
        parameters, anywhere, sums.split([parameter.numel() for parameter in parameters]), strict=True
    ):
        parameter.grad = total.view_as(parameter).to(parameter.dtype).clone() if present else None


def _flat_gradient(parameter: nn.Parameter) -> Tensor:
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return gradient.detach().float().flatten()
