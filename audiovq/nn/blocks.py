"""The one residual block of all networks, and a stack of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiovq.nn.conv import SameConv
from audiovq.nn.linear import Linear
from audiovq.nn.modules import ModuleList


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer perceptron over channels, added to the input.

    Only the depthwise convolution mixes frames; the normalisation is over channels of one frame, so a block never
    looks further than half its kernel.

    Shape: (B, D, N) -> (B, D, N).
    Source: Liu et al. 2022, A ConvNet for the 2020s, section 2; in one dimension as Siuzdak 2023, Vocos, section 3.2.
    """

    def __init__(self, width: int, kernel_size: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = SameConv(width, width, kernel_size, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = Linear(width, expansion * width)
        self.project = Linear(expansion * width, width)
        # A block begins close to the identity: a deep stack of them learns much faster than with a full-sized start.
        with torch.no_grad():
            self.project.weight.mul_(0.1)
            self.project.bias.zero_()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        y = self.depthwise(x, mask).transpose(1, 2)
        y = self.project(self.expand(self.norm(y), gelu=True))
        return x + y.transpose(1, 2)

    def context(self, frames: int) -> int:
        return self.depthwise.context(frames)


class Stack(nn.Module):
    """Blocks of one rate, one after the other. Shape: (B, D, N) -> (B, D, N)."""

    def __init__(self, num_blocks: int, width: int, kernel_size: int, expansion: int) -> None:
        super().__init__()
        self.blocks = ModuleList[ConvNeXtBlock](ConvNeXtBlock(width, kernel_size, expansion) for _ in range(num_blocks))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x, mask)
        return x

    def context(self, frames: int) -> int:
        for block in self.blocks:
            frames = block.context(frames)
        return frames
