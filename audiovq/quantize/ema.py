"""A codebook learned by exponential moving averages, looked up by cosine similarity in a few dimensions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.quantize.contract import Quantized, Quantizer, QuantizerConfig
from audiovq.quantize.distributed import all_reduce_sum, broadcast_from_first
from audiovq.quantize.kmeans import spherical_kmeans

RESTART_EVERY = 20  # training steps between two looks for dead entries


class EMACodebook(Quantizer):
    """The latent is projected to ``codebook_dim``, scaled to unit length and replaced by the nearest unit entry.

    Entries follow the running mean of the latents that chose them. An entry whose running use falls below
    ``restart_share`` of uniform use takes the place of a random latent of the batch, and its running state with it.

    Source: van den Oord et al. 2017, Neural Discrete Representation Learning, appendix A.1 (averages); Yu et al. 2022,
    Vector-quantized image modeling with improved VQGAN, section 3.1 (factorised, l2-normalised codes); Dhariwal et
    al. 2020, Jukebox, section 3.1 (random restarts).
    """

    codebook: Tensor
    ema_count: Tensor
    ema_sum: Tensor
    is_started: Tensor
    steps_to_restart: Tensor

    def __init__(self, config: QuantizerConfig, width: int) -> None:
        super().__init__()
        self.num_codebooks = 1
        self.codebook_size = config.codebook_size
        self.decay = config.decay
        self.restart_share = config.restart_share
        self.project_in = nn.Linear(width, config.codebook_dim)
        self.project_out = nn.Linear(config.codebook_dim, width)
        entries = F.normalize(torch.randn(config.codebook_size, config.codebook_dim), dim=1)
        self.register_buffer("codebook", entries)
        self.register_buffer("ema_count", torch.ones(config.codebook_size))
        self.register_buffer("ema_sum", entries.clone())
        self.register_buffer("is_started", torch.tensor(False))
        self.register_buffer("steps_to_restart", torch.tensor(RESTART_EVERY))

    @property
    def started(self) -> bool:
        return bool(self.is_started)

    @torch.no_grad()
    def start(self, latents: Tensor) -> None:
        points = self._unit(latents.float())
        entries = broadcast_from_first(spherical_kmeans(points, self.codebook_size))
        self.codebook.copy_(entries)
        self.ema_count.fill_(1.0)
        self.ema_sum.copy_(entries)
        self.is_started.fill_(True)

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        with torch.autocast(latent.device.type, enabled=False):
            unit = self._unit(latent.float().transpose(1, 2))  # (B, N, d)
            if self.training and not self.started:
                codes = torch.zeros(unit.shape[:2], dtype=torch.int64, device=unit.device)
                return Quantized(self._expand(unit), codes[:, None], unit.new_zeros(()))
            codes = self._nearest(unit.detach())
            entries = self.codebook[codes]
            kept = torch.ones_like(codes, dtype=torch.bool) if mask is None else mask[:, 0] > 0
            commitment_loss = (unit - entries).square().sum(-1)[kept].mean()
            straight_through = unit + (entries - unit).detach()
            if self.training:
                self._update(unit.detach()[kept], codes[kept])
            return Quantized(self._expand(straight_through), codes[:, None], commitment_loss)

    def decode(self, codes: Tensor) -> Tensor:
        return self._expand(self.codebook[codes[:, 0]])

    def _unit(self, latent: Tensor) -> Tensor:
        return F.normalize(self.project_in(latent), dim=-1)

    def _expand(self, entries: Tensor) -> Tensor:
        return self.project_out(entries).transpose(1, 2)

    def _nearest(self, unit: Tensor) -> Tensor:
        return (unit @ self.codebook.T).argmax(dim=-1)

    @torch.no_grad()
    def _update(self, points: Tensor, codes: Tensor) -> None:
        counts = torch.bincount(codes, minlength=self.codebook_size).to(points.dtype)
        sums = torch.zeros_like(self.ema_sum).index_add_(0, codes, points)
        self.ema_count.lerp_(all_reduce_sum(counts), 1 - self.decay)
        self.ema_sum.lerp_(all_reduce_sum(sums), 1 - self.decay)
        self.steps_to_restart -= 1
        if self.steps_to_restart <= 0:
            self.steps_to_restart.fill_(RESTART_EVERY)
            self._restart_dead(points)
        self.codebook.copy_(F.normalize(self.ema_sum, dim=1))

    def _restart_dead(self, points: Tensor) -> None:
        uniform = self.ema_count.mean()
        dead = (self.ema_count < self.restart_share * uniform).nonzero()[:, 0]
        if len(dead) == 0 or len(points) == 0:
            return
        chosen = points[torch.randint(len(points), (len(dead),), device=points.device)]
        self.ema_sum[dead] = broadcast_from_first(chosen) * uniform
        self.ema_count[dead] = uniform
