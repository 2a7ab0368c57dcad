"""Guesses of finer levels from coarser ones, for a loss that has coarse codes say what they can."""

from __future__ import annotations

from torch import Tensor, nn

from audiovq.models.config import VQVAEConfig
from audiovq.nn.blocks import ConvNeXtBlock
from audiovq.nn.conv import Upsample
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList


class LevelPredictor(nn.Module):
    """From the decoded codes of each level to a guess of the next finer level's latent; used in training alone.

    Shape: [(B, D, N_0), ..., (B, D, N_{L-2})] -> [(B, D, N_1), ..., (B, D, N_{L-1})].
    """

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        width = config.width
        self.up = ModuleList[Upsample](Upsample(width, width, stride) for stride in config.level_strides)
        self.blocks = ModuleList[ConvNeXtBlock](
            ConvNeXtBlock(width, config.kernel_size, config.expansion) for _ in config.level_strides
        )
        self.factors = [config.hop_lengths[0] // hop for hop in config.hop_lengths]

    def forward(self, coarser: list[Tensor], mask: FrameMask | None = None) -> list[Tensor]:
        masks = [None if mask is None else mask.at(factor) for factor in self.factors]
        return [
            block(up(latent, masks[level]), masks[level + 1])
            for level, (up, block, latent) in enumerate(zip(self.up, self.blocks, coarser, strict=True))
        ]
