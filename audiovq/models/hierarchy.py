"""The hierarchy: in which order the levels are quantised and what each of them sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.models.config import VQVAEConfig
from audiovq.nn.blocks import ConvNeXtBlock, Stack
from audiovq.nn.conv import SameConv, Upsample
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList
from audiovq.quantize import Quantized, Quantizer, make_quantizer


class Conditioner(nn.Module):
    """The learned top-down path of VQ-VAE-2: decoded coarser codes join the features of the next level.

    Source: Razavi et al. 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2, section 3.1, algorithm 1.
    """

    def __init__(self, config: VQVAEConfig, level: int) -> None:
        super().__init__()
        width, kernel_size, expansion = config.width, config.kernel_size, config.expansion
        coarser = config.levels[level - 1]
        self.stack = Stack(coarser.condition_blocks, width, kernel_size, expansion)
        self.up = Upsample(width, width, config.level_strides[level - 1])
        self.join = SameConv(2 * width, width, kernel_size=1)
        self.block = ConvNeXtBlock(width, kernel_size, expansion)

    def up_to_level(self, state: Tensor, coarse_mask: Tensor | None) -> Tensor:
        """Decoded codes of the coarser levels, at this level's rate. Shape: (B, D, N_{l-1}) -> (B, D, N_l)."""
        return self.up(self.stack(state, coarse_mask), coarse_mask)

    def forward(self, features: Tensor, state: Tensor, mask: Tensor | None) -> Tensor:
        """This level's latent. Shape: features and state (B, D, N_l) -> (B, D, N_l)."""
        return self.block(self.join(torch.cat([features, state], dim=1)), mask)


class Hierarchy(nn.Module):
    """One quantizer per level, coarse first, and what links them; VQVAEConfig.hierarchy names the forms."""

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        self.form = config.hierarchy
        self.factors = [config.hop_lengths[0] // hop for hop in config.hop_lengths]
        self.quantizers = ModuleList[Quantizer](
            make_quantizer(level.quantizer, config.width) for level in config.levels
        )
        linked = range(1, config.num_levels) if self.form == "conditional" else ()
        self.conditioners = ModuleList[Conditioner](Conditioner(config, level) for level in linked)

    def forward(self, features: list[Tensor], mask: FrameMask | None = None) -> tuple[list[Tensor], list[Quantized]]:
        """Quantise every level: the latents that the quantizers were given, and what they made of them.

        Shape: features as the encoder gives them.
        """
        step = {"conditional": self._conditional, "residual": self._residual}.get(self.form, self._apart)
        return step(features, [None if mask is None else mask.at(factor) for factor in self.factors])

    def decode(self, codes: list[Tensor]) -> list[Tensor]:
        """Codes of the first levels to their latents. Shape: [(B, K_l, N_l), ...] -> [(B, D, N_l), ...]."""
        return [quantizer.decode(level) for quantizer, level in zip(self.quantizers, codes, strict=False)]

    def _conditional(self, features: list[Tensor], masks: list[Tensor | None]) -> tuple[list[Tensor], list[Quantized]]:
        latents = [features[0]]
        results = [self.quantizers[0](features[0], masks[0])]
        state = results[0].latent
        for level, conditioner in enumerate(self.conditioners, start=1):
            state = conditioner.up_to_level(state, masks[level - 1])
            latents.append(conditioner(features[level], state, masks[level]))
            results.append(self.quantizers[level](latents[level], masks[level]))
            state = state + results[level].latent
        return latents, results

    def _residual(self, features: list[Tensor], masks: list[Tensor | None]) -> tuple[list[Tensor], list[Quantized]]:
        """Source: Siuzdak et al. 2024, SNAC: Multi-Scale Neural Audio Codec, section 3.1."""
        latents, results = [], []
        residual = features[-1]
        for level, quantizer in enumerate(self.quantizers):
            ratio = self.factors[-1] // self.factors[level]
            latents.append(F.avg_pool1d(residual, ratio, ratio))
            results.append(quantizer(latents[level], masks[level]))
            residual = residual - results[level].latent.repeat_interleave(ratio, dim=-1)
        return latents, results

    def _apart(self, features: list[Tensor], masks: list[Tensor | None]) -> tuple[list[Tensor], list[Quantized]]:
        """Source: Dhariwal et al. 2020, Jukebox, section 3.2."""
        return features, [
            quantizer(x, mask) for quantizer, x, mask in zip(self.quantizers, features, masks, strict=True)
        ]

    def update_quantizers(self) -> None:
        """Let every quantizer learn from what it saw since the last update. Every process calls it, once a step."""
        for quantizer in self.quantizers:
            quantizer.update()

    def discard_statistics(self) -> None:
        """Let no quantizer learn from what it saw since the last update."""
        for quantizer in self.quantizers:
            quantizer.discard()

    def context(self, frames: list[int]) -> list[int]:
        """Frames of each of the features needed beyond an edge for ``frames[l]`` correct codes beyond it."""
        if self.form == "residual":
            return [max(count * self.factors[-1] // factor for count, factor in zip(frames, self.factors, strict=True))]
        needed = list(frames)
        for level in reversed(range(1, len(self.conditioners) + 1)):
            conditioner = self.conditioners[level - 1]
            needed[level] = conditioner.block.context(needed[level])
            coarser = conditioner.stack.context(conditioner.up.context(needed[level]))
            needed[level - 1] = max(needed[level - 1], coarser)
        return needed
