"""Linear layers with bytes for weights: a quarter of the memory to read, which is what few rows spend their time on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.nn.linear import Linear
from audiovq.system.matmul import linear


class Int8Linear(nn.Module):
    """A linear layer whose weights are whole numbers from -127 to 127, with one scale for each of its outputs.

    Rows that come one at a time are read in bfloat16, several at once in float32. It does not learn.

    Shape: (B, C_in) or (B, n, C_in) -> (B, C_out) or (B, n, C_out).
    Source: Dettmers et al. 2022, LLM.int8(), section 2 (absmax quantization, by rows of the weights).
    """

    scale: Tensor

    def __init__(self, source: Linear) -> None:
        super().__init__()
        full = source.weight.detach()
        scale = (full.abs().amax(dim=1).clamp(min=1e-12) / 127).bfloat16()
        whole = (full / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
        self.weight = nn.Parameter(whole, requires_grad=False)
        self.bias = nn.Parameter(source.bias.detach(), requires_grad=False)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor, gelu: bool = False) -> Tensor:
        if x.ndim == 3 and x.shape[1] > 1:
            return linear(x, self.weight * self.scale.float()[:, None], self.bias, gelu)
        product = torch._weight_int8pack_mm(x.reshape(-1, x.shape[-1]).bfloat16(), self.weight, self.scale)
        product = (product + self.bias).view(*x.shape[:-1], -1)
        return F.gelu(product) if gelu else product

    def bound(self, gelu: bool = False) -> Callable[[Tensor], Tensor]:
        """As Linear's."""
        return partial(self.forward, gelu=gelu)


def quantise(module: nn.Module) -> None:
    """Replace every linear layer inside."""
    for name, child in module.named_children():
        if isinstance(child, Linear):
            setattr(module, name, Int8Linear(child))
        else:
            quantise(child)
