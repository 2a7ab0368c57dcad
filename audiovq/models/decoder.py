"""The decoder: from the latents of all levels, or of any prefix of them, to log-mels or a waveform."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiovq.models.config import VQVAEConfig
from audiovq.nn.blocks import Stack
from audiovq.nn.conv import SameConv, Upsample
from audiovq.nn.istft import ISTFTHead
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList


class Decoder(nn.Module):
    """Coarse to fine: each level's latent is added to what the coarser ones gave, then refined at its rate.

    A level that is left out is replaced by a learned vector, so one network decodes every prefix. In the independent
    form only the finest given level is read: the coarser ones say nothing that it does not.

    Shape: latents [(B, D, N_0), ...] -> (B, M, N) log-mel in network units, or (B, 1, T).
    """

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        width, kernel_size, expansion = config.width, config.kernel_size, config.expansion
        self.reads_all = config.hierarchy != "independent"
        self.factors = [config.hop_lengths[0] // hop for hop in config.hop_lengths]
        self.missing = nn.Parameter(0.02 * torch.randn(config.num_levels, width))
        self.stacks = ModuleList[Stack](
            Stack(level.decoder_blocks, width, kernel_size, expansion) for level in config.levels
        )
        self.up = ModuleList[Upsample](Upsample(width, width, stride) for stride in config.level_strides)
        narrowing = config.head == "transposed"
        widths = [max(16, width >> i) if narrowing else width for i in range(len(config.head_strides) + 1)]
        self.head_up = ModuleList[Upsample](
            Upsample(before, after, stride)
            for before, after, stride in zip(widths[:-1], widths[1:], config.head_strides, strict=True)
        )
        self.head_stacks = ModuleList[Stack](Stack(config.head_blocks, w, kernel_size, expansion) for w in widths[1:])
        self.head: SameConv | ISTFTHead
        if config.head == "istft":
            self.head = ISTFTHead(widths[-1], config.head_hop_length)
        else:
            channels = config.num_bands if config.head == "mel" else 1
            self.head = SameConv(widths[-1], channels, kernel_size=1 if config.head == "mel" else 7)
        self.head_strides = list(config.head_strides)

    def forward(self, latents: list[Tensor], keep: Tensor, mask: FrameMask | None = None) -> Tensor:
        """Decode the first ``keep[b]`` levels of each item.

        Shape: latents [(B, D, N_0), ..., (B, D, N_{L-1})] (those not kept may hold anything), keep (B,) int.
        """
        x: Tensor | None = None
        for level, latent in enumerate(latents):
            known = keep > level if self.reads_all else keep == level + 1
            latent = torch.where(known[:, None, None], latent, self.missing[level, :, None].to(latent.dtype))
            if x is not None:
                x = self.up[level - 1](x, self._mask(mask, self.factors[level - 1])) + latent
            x = self.stacks[level](latent if x is None else x, self._mask(mask, self.factors[level]))
        assert x is not None
        factor = self.factors[-1]
        for up, stack, stride in zip(self.head_up, self.head_stacks, self.head_strides, strict=True):
            x = up(x, self._mask(mask, factor))
            factor *= stride
            x = stack(x, self._mask(mask, factor))
        return self.head(x, self._mask(mask, factor))

    @staticmethod
    def _mask(mask: FrameMask | None, factor: int) -> Tensor | None:
        return None if mask is None else mask.at(factor)

    def context(self, frames: int) -> list[int]:
        """Frames of each level needed beyond an edge for ``frames`` correct output frames beyond it."""
        needed = self.head.context(frames)
        for up, stack in zip(reversed(self.head_up), reversed(self.head_stacks), strict=True):
            needed = up.context(stack.context(needed))
        per_level: list[int] = []
        for level in reversed(range(len(self.stacks))):
            needed = self.stacks[level].context(needed)
            per_level.insert(0, needed)
            if level > 0:
                needed = self.up[level - 1].context(needed)
        return per_level
