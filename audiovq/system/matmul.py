"""Products with a matrix of weights, by oneDNN where that is faster than what torch takes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_MIN_ROWS = 8  # below, a call of oneDNN costs more than it saves, unless the weights are laid out for it before
_LAID_OUT_FOR_ROWS = 8  # oneDNN sums in the same order for all numbers of rows, if it is not told that there is one


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, gelu: bool = False) -> Tensor:
    """As torch's, or its GELU. Without gradients, on a CPU, in float32 oneDNN does it: MKL leaves half of an AMD idle.

    Shape: x (..., C_in), weight (C_out, C_in), bias (C_out,) -> (..., C_out).
    """
    if onednn_can(x) and x.numel() >= _MIN_ROWS * x.shape[-1]:
        return onednn_linear(x, weight, bias, gelu)
    product = F.linear(x, weight, bias)
    return F.gelu(product) if gelu else product


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None, gelu: bool = False) -> Tensor:
    """The same by oneDNN, also with weights as ``laid_out`` gives them."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "gelu" if gelu else "none", [], "none")
    return product


def laid_out(weight: Tensor) -> Tensor:
    """Weights as oneDNN reads them fastest: it then need not lay them out in every call."""
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _LAID_OUT_FOR_ROWS)
    return packed


def onednn_can(x: Tensor) -> bool:
    """Whether nothing is learned from x, and it is on a CPU in float32."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and torch._C._get_mkldnn_enabled()
        and torch.backends.mkldnn.is_available()
    )
