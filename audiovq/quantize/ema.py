"""A codebook learned by exponential moving averages, looked up by cosine similarity in a few dimensions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.quantize.contract import Quantized, Quantizer, QuantizerConfig
from audiovq.quantize.kmeans import evenly_spaced, spherical_kmeans
from audiovq.quantize.projection import linear_fit, to_sphere
from audiovq.quantize.sums import counts_and_sums, sum_by_code
from audiovq.system.distributed import all_reduce_sum, broadcast_from_first, gather_rows

RESTART_EVERY = 20  # updates between two looks for dead entries


class EMACodebook(Quantizer):
    """The latent is projected to ``codebook_dim``, scaled to unit length and replaced by the nearest unit entry.

    Entries follow the running mean of the latents that chose them. An entry whose running use falls below
    ``restart_share`` of uniform use takes the place of one of the latents gathered, and its running state with it.
    No random numbers: the places of dead entries are spread evenly over the latents.

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
        self._gathered: Tensor | None = None  # a table of sum_by_code
        self._gathered_points: list[Tensor] = []  # filled when the coming update looks for dead entries

    @property
    def started(self) -> bool:
        return bool(self.is_started)

    @torch.no_grad()
    def start(self, latents: Tensor, silent: bool = False) -> None:
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            _set_from_first(self.project_in, to_sphere(latents, self.codebook.shape[1]))
            unit = self._unit(latents)
            entries = broadcast_from_first(spherical_kmeans(unit, self.codebook_size))
            self.codebook.copy_(entries)
            weight, bias = linear_fit(entries[self._nearest(unit)], latents)
            _set_from_first(self.project_out, (0 * weight, 0 * bias) if silent else (weight, bias))
        self.ema_count.fill_(1.0)
        self.ema_sum.copy_(entries)
        self.is_started.fill_(True)
        self.discard()

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        with torch.autocast(latent.device.type, enabled=False):
            if self.training and not self.started:
                codes = latent.new_zeros((len(latent), 1, latent.shape[2]), dtype=torch.int64)
                return Quantized(latent.float(), codes, latent.new_zeros((), dtype=torch.float32))
            unit = self._unit(latent.float().transpose(1, 2))  # (B, N, d)
            codes = self._nearest(unit.detach())
            entries = self.codebook[codes]
            kept = torch.ones_like(codes, dtype=torch.bool) if mask is None else mask[:, 0] > 0
            distances = (unit - entries).square().sum(-1)
            commitment_loss = (distances * kept).sum() / kept.sum().clamp(min=1)
            straight_through = unit + (entries - unit).detach()
            if self.training:
                self._gather(unit.detach()[kept], codes[kept])
            return Quantized(self._expand(straight_through), codes[:, None], commitment_loss)

    @torch.no_grad()
    def update(self) -> None:
        points = torch.cat([self.codebook[:0], *self._gathered_points])
        table = sum_by_code(points[:0], points[:0, 0].long(), self.codebook_size)  # for a process without data
        counts, sums = counts_and_sums(all_reduce_sum(table if self._gathered is None else self._gathered))
        self.discard()
        # Whether more collective operations follow depends on whole numbers, on which all processes agree.
        if not counts.any():
            return
        self.ema_count.lerp_(counts, 1 - self.decay)
        self.ema_sum.lerp_(sums, 1 - self.decay)
        self.steps_to_restart -= 1
        if self.steps_to_restart <= 0:
            self.steps_to_restart.fill_(RESTART_EVERY)
            self._restart_dead(gather_rows(points))
        self.codebook.copy_(F.normalize(self.ema_sum, dim=1))

    def discard(self) -> None:
        self._gathered, self._gathered_points = None, []

    def decode(self, codes: Tensor) -> Tensor:
        return self._expand(self.codebook[codes[:, 0]])

    def _unit(self, latent: Tensor) -> Tensor:
        return F.normalize(self.project_in(latent), dim=-1)

    def _expand(self, entries: Tensor) -> Tensor:
        return self.project_out(entries).transpose(1, 2)

    def _nearest(self, unit: Tensor) -> Tensor:
        return (unit @ self.codebook.T).argmax(dim=-1)

    def _gather(self, points: Tensor, codes: Tensor) -> None:
        table = sum_by_code(points, codes, self.codebook_size)
        self._gathered = table if self._gathered is None else self._gathered + table
        if self.steps_to_restart <= 1:
            self._gathered_points.append(points)

    def _restart_dead(self, points: Tensor) -> None:
        uniform = self.ema_count.mean()
        dead = (self.ema_count < self.restart_share * uniform).nonzero()[:, 0]
        chosen = evenly_spaced(points, len(dead))
        dead = dead[: len(chosen)]  # with too few latents the others wait for the next look
        self.ema_sum[dead] = chosen * uniform
        self.ema_count[dead] = uniform


def _set_from_first(layer: nn.Linear, weight_and_bias: tuple[Tensor, Tensor]) -> None:
    """Those of the first process, on all of them."""
    for parameter, value in zip((layer.weight, layer.bias), weight_and_bias, strict=True):
        parameter.copy_(broadcast_from_first(value))
