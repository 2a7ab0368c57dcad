"""Finite scalar quantisation: every dimension is rounded to a few steps, and the grid is the codebook."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from audiovq.quantize.contract import Quantized, Quantizer, QuantizerConfig, unquantised
from audiovq.quantize.projection import linear_fit, principal_components, set_from_first

# Squashed by tanh, values of a logistic distribution with this deviation are spread evenly over all steps.
_EVEN_DEVIATION = math.pi / math.sqrt(12)


class FSQ(Quantizer):
    """No learned table: the code is the mixed-radix number of the rounded coordinates.

    The coordinates start as the principal components of the latents, each as wide as its steps, the largest first.

    Source: Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, section 3 and listing 1.
    """

    steps: Tensor
    places: Tensor
    is_started: Tensor

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
        self.register_buffer("is_started", torch.tensor(False))

    @property
    def started(self) -> bool:
        return bool(self.is_started)

    @torch.no_grad()
    def start(self, latents: Tensor) -> None:
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            mean, directions = principal_components(latents, len(self.steps))
            deviations = ((latents - mean) @ directions.T).std(0).clamp(min=1e-6)
            weight = directions * (_EVEN_DEVIATION / deviations)[:, None]
            set_from_first(self.project_in, weight, -(weight @ mean))
            points = self._bound(self.project_in(latents)).round() / (self.steps // 2)
            set_from_first(self.project_out, *linear_fit(points, latents))
        self.is_started.fill_(True)

    def update(self) -> None:
        """A fixed grid learns nothing."""

    def discard(self) -> None:
        """A fixed grid gathers nothing."""

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        with torch.autocast(latent.device.type, enabled=False):
            if self.training and not self.started:
                return unquantised(latent)
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
