"""Quantizers stacked on each other's error."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from audiovq.quantize.contract import Quantized, Quantizer


class ResidualStack(Quantizer):
    """Quantizer k codes what quantizers 0 .. k-1 left over; their outputs add up.

    Source: Zeghidour et al. 2021, SoundStream, algorithm 1.
    """

    def __init__(self, quantizers: list[Quantizer]) -> None:
        super().__init__()
        sizes = {quantizer.codebook_size for quantizer in quantizers}
        if len(sizes) != 1:
            raise ValueError(f"the quantizers of one level must have one codebook size, got {sorted(sizes)}")
        self.quantizers = nn.ModuleList(quantizers)
        self.num_codebooks = len(quantizers)
        self.codebook_size = sizes.pop()

    def _stages(self) -> list[Quantizer]:
        return cast(list[Quantizer], list(self.quantizers))

    @property
    def started(self) -> bool:
        return all(quantizer.started for quantizer in self._stages())

    @torch.no_grad()
    def start(self, latents: Tensor, silent: bool = False) -> None:
        """Start the stages that are not; beside trained ones silently, for these leave more than what they miss.

        In training latents and what is decoded of them drift apart: the decoder does not want the difference back.
        """
        residual, added = latents, any(quantizer.started for quantizer in self._stages())
        for quantizer in self._stages():
            if not quantizer.started:
                quantizer.start(residual, silent or added)
            was_training = quantizer.training
            quantizer.eval()
            residual = residual - quantizer(residual.T[None]).latent[0].T
            quantizer.train(was_training)

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        residual, parts = latent, []
        for quantizer in self._stages():
            parts.append(quantizer(residual, mask))
            residual = residual - parts[-1].latent
        return Quantized(
            latent=torch.stack([part.latent for part in parts]).sum(0),
            codes=torch.cat([part.codes for part in parts], dim=1),
            commitment_loss=torch.stack([part.commitment_loss for part in parts]).mean(),
        )

    def update(self) -> None:
        for quantizer in self._stages():
            quantizer.update()

    def discard(self) -> None:
        for quantizer in self._stages():
            quantizer.discard()

    def decode(self, codes: Tensor) -> Tensor:
        parts = [quantizer.decode(codes[:, k : k + 1]) for k, quantizer in enumerate(self._stages())]
        return torch.stack(parts).sum(0)
