"""The encoder: from input frames down to one feature map per level."""

from __future__ import annotations

import math

from torch import Tensor, nn

from audiovq.models.config import VQVAEConfig
from audiovq.nn.blocks import Stack
from audiovq.nn.conv import Downsample, SameConv
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList


class Encoder(nn.Module):
    """A stem from the input's rate to the finest level's, then one stage per coarser level, each reading the finer.

    Shape: (B, C, N_input) -> features [(B, D, N_0), ..., (B, D, N_{L-1})], coarse first; in the residual form the
    last of them alone.
    """

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        channels = config.num_bands if config.frontend == "mel" else 1
        # A stem of several strides grows its channels as its rate falls; a mel front has one stride and full width.
        widths = [max(16, config.width >> i) for i in reversed(range(len(config.stem_strides)))]
        first = widths[0] if config.frontend == "mel" else max(16, widths[0] // 2)
        self.input = SameConv(channels, first, kernel_size=3 if config.frontend == "mel" else 7)
        self.stem = ModuleList[Downsample](
            Downsample(before, after, stride)
            for before, after, stride in zip([first, *widths[:-1]], widths, config.stem_strides, strict=True)
        )
        self.stem_stacks = ModuleList[Stack](
            Stack(config.stem_blocks, width, config.kernel_size, config.expansion) for width in widths[:-1]
        )
        # The residual form pools one latent by itself: it needs no features but the finest level's.
        coarsest = config.num_levels - 1 if config.hierarchy == "residual" else 0
        self.stacks = ModuleList[Stack](
            Stack(level.encoder_blocks, config.width, config.kernel_size, config.expansion)
            for level in config.levels[coarsest:]
        )
        self.down = ModuleList[Downsample](
            Downsample(config.width, config.width, stride) for stride in config.level_strides[coarsest:]
        )
        self.factors = [config.hop_lengths[0] // hop for hop in config.hop_lengths[coarsest:]]
        rate = config.hop_lengths[0] // config.input_hop_length
        self.stem_factors = [rate // math.prod(config.stem_strides[:i]) for i in range(len(config.stem_strides) + 1)]

    def forward(self, x: Tensor, mask: FrameMask | None = None) -> list[Tensor]:
        at = (lambda factor: None) if mask is None else mask.at
        x = self.input(x, at(self.stem_factors[0]))
        for i, down in enumerate(self.stem):
            x = down(x, at(self.stem_factors[i]))
            if i < len(self.stem_stacks):
                x = self.stem_stacks[i](x, at(self.stem_factors[i + 1]))
        features: list[Tensor] = []
        for level in reversed(range(len(self.stacks))):
            if features:
                x = self.down[level](x, at(self.factors[level + 1]))
            x = self.stacks[level](x, at(self.factors[level]))
            features.insert(0, x)
        return features

    def context(self, frames: list[int]) -> int:
        """Input frames needed beyond an edge for ``frames[l]`` correct frames beyond it at each level."""
        needed = 0
        for level, stack in enumerate(self.stacks):
            needed = stack.context(max(needed, frames[level]))
            if level < len(self.down):
                needed = self.down[level].context(needed)
        for i in reversed(range(len(self.stem))):
            if i < len(self.stem_stacks):
                needed = self.stem_stacks[i].context(needed)
            needed = self.stem[i].context(needed)
        return self.input.context(needed)
