"""Finite scalar quantisation: every dimension is rounded to a few steps, and the grid is the codebook."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from audiovq.quantize.contract import Quantized, Quantizer, QuantizerConfig


class FSQ(Quantizer):
    """No learned table, nothing to collapse: the code is the mixed-radix number of the rounded coordinates.

    Source: Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, section 3 and listing 1.
    """

    steps: Tensor
    places: Tensor

    def __init__(self, config: QuantizerConfig, width: int) -> None:
        super().__init__()
        size = math.prod(config.fsq_steps)
        if not config.fsq_steps or size != config.codebook_size:
            raise ValueError(
                f"fsq_steps {list(config.fsq_steps)} make {size} codes, expected codebook_size {config.codebook_size}"
            )
        self.num_codebooks = 1
        self.codebook_size = size
        steps = torch.tensor(list(config.fsq_steps))
        self.register_buffer("steps", steps, persistent=False)
        self.register_buffer(
            "places", torch.cat([torch.ones(1, dtype=torch.long), steps.cumprod(0)[:-1]]), persistent=False
        )
        self.project_in = nn.Linear(width, len(steps))
        self.project_out = nn.Linear(len(steps), width)

    @property
    def started(self) -> bool:
        return True

    def start(self, latents: Tensor, silent: bool = False) -> None:
        """A fixed grid needs no start."""

    def update(self) -> None:
        """A fixed grid learns nothing."""

    def discard(self) -> None:
        """A fixed grid gathers nothing."""

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        with torch.autocast(latent.device.type, enabled=False):
            bounded = self._bound(self.project_in(latent.float().transpose(1, 2)))  # (B, N, d)
            rounded = bounded + (bounded.round() - bounded).detach()
            digits = rounded.detach().long() + self.steps // 2
            codes = (digits * self.places).sum(-1)
            return Quantized(self._expand(rounded), codes[:, None], bounded.new_zeros(()))

    def decode(self, codes: Tensor) -> Tensor:
        digits = codes[:, 0, :, None] // self.places % self.steps
        return self._expand((digits - self.steps // 2).float())

    def _bound(self, z: Tensor) -> Tensor:
        """Squash each coordinate into the interval whose rounding has exactly ``steps`` values."""
        half = (self.steps - 1) * (1 + 1e-3) / 2
        offset = torch.where(self.steps % 2 == 0, 0.5, 0.0)
        shift = (offset / half).atanh()
        return (z + shift).tanh() * half - offset

    def _expand(self, rounded: Tensor) -> Tensor:
        return self.project_out(rounded / (self.steps // 2)).transpose(1, 2)
