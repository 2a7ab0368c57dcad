"""Products with a matrix of weights, by oneDNN where that is faster than what torch takes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_MIN_ROWS = 8  # below, a call of oneDNN costs more than it saves


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As torch's. Without gradients, on a CPU, in float32 oneDNN does it: MKL leaves half of an AMD processor idle.

    Shape: x (..., C_in), weight (C_out, C_in), bias (C_out,) -> (..., C_out).
    """
    if _onednn_can(x):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product
    return F.linear(x, weight, bias)


def _onednn_can(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.numel() >= _MIN_ROWS * x.shape[-1]
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and torch._C._get_mkldnn_enabled()
        and torch.backends.mkldnn.is_available()
    )
