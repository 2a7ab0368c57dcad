"""A device that is not there: tensors on it have shapes but no values, and may not meet those of the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

ELSEWHERE = torch.device("lazy:0")  # the one kind that a build of torch for CPUs can pretend to have


@contextmanager
def pretended() -> Iterator[None]:
    """Within it ELSEWHERE exists. Mixing devices is an error there, as it is on a GPU; so is asking for a value."""
    plain = patch.object(torch, "autocast", lambda *_, **__: nullcontext())  # there is none for such a device
    with FakeTensorMode(allow_non_fake_inputs=True), plain:
        yield


def moved(module: nn.Module) -> nn.Module:
    """The module with parameters and buffers on ELSEWHERE, which Module.to cannot do with what is only pretended."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(torch.empty_like(parameter, device=ELSEWHERE))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty_like(buffer, device=ELSEWHERE)
    return module
