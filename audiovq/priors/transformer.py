"""One transformer for all priors: rotary positions, causal or not, with a key/value cache for step-by-step use."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.nn.linear import Linear
from audiovq.nn.modules import ModuleList


@dataclass(kw_only=True)
class TransformerConfig:
    """Its size."""

    width: int = 256
    num_layers: int = 6
    num_heads: int = 4
    expansion: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % (2 * self.num_heads):
            raise ValueError(
                f"width is {self.width}, expected a multiple of twice num_heads={self.num_heads}: rotary positions "
                "turn pairs of channels of a head"
            )


class Cache:
    """Keys and values of the positions so far, of every layer; room for ``max_positions``, and how these are turned.

    Shape: keys and values (layers, B, H, max_positions, D / H).
    """

    def __init__(self, transformer: Transformer, batch_size: int, max_positions: int) -> None:
        config, like = transformer.config, transformer.frequencies
        shape = (config.num_layers, batch_size, config.num_heads, max_positions, config.width // config.num_heads)
        self.keys, self.values = like.new_zeros(shape), like.new_zeros(shape)
        self.turns = transformer.turns(max_positions)
        self.length = 0

    def keep(self, num_rows: int) -> None:
        """Forget all but the first rows."""
        if num_rows < self.keys.shape[1]:
            self.keys, self.values = self.keys[:, :num_rows], self.values[:, :num_rows]


class Transformer(nn.Module):
    """Shape: x (B, S, D), mask (B, S) bool of the positions that may be looked at, or None -> (B, S, D).

    Source: Vaswani et al. 2017, Attention Is All You Need; Su et al. 2021, RoFormer (positions); normalised before each
    part, as Xiong et al. 2020.
    """

    def __init__(self, config: TransformerConfig, causal: bool) -> None:
        super().__init__()
        self.config, self.causal = config, causal
        self.layers = ModuleList[Layer](Layer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.width)
        frequencies = 10000.0 ** -torch.linspace(0, 1, config.width // config.num_heads // 2 + 1)[:-1]
        self.frequencies: Tensor
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        turns = self.turns(x.shape[1])
        seen = None if mask is None or self.causal else mask[:, None, None, :]  # what is padded comes last
        for layer in self.layers:
            q, k, v = layer.project(x, turns)
            x = layer.join(x, F.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=self.causal))
        return self.norm(x)

    def extend(self, x: Tensor, cache: Cache) -> Tensor:
        """The next positions after those in the cache, of a causal transformer. Shape: (B, n, D) -> (B, n, D)."""
        start, end = cache.length, cache.length + x.shape[1]
        if end > cache.keys.shape[3]:
            raise ValueError(f"the cache has room for {cache.keys.shape[3]} positions, got {end}")
        cos, sin = cache.turns
        turns = cos[start:end], sin[start:end]
        seen = None
        if x.shape[1] > 1:
            seen = torch.ones(x.shape[1], end, dtype=torch.bool, device=x.device).tril(diagonal=start)
        for layer, keys, values in zip(self.layers, cache.keys, cache.values, strict=True):
            q, k, v = layer.project(x, turns)
            keys[:, :, start:end], values[:, :, start:end] = k, v
            x = layer.join(x, attended(q, keys[:, :, :end], values[:, :, :end], seen))
        cache.length = end
        return self.norm(x)

    def turns(self, num_positions: int) -> tuple[Tensor, Tensor]:
        """Cosines of positions' angles, and sines with the signs of `turned`. Shape: (num_positions, 1, 1, D / H)."""
        angles = torch.arange(num_positions, device=self.frequencies.device)[:, None] * self.frequencies
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([cos, cos], dim=1)[:, None, None], torch.cat([-sin, sin], dim=1)[:, None, None]


class Layer(nn.Module):
    """Attention and a two-layer perceptron, each added to its input."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = Linear(config.width, 3 * config.width)
        self.output = Linear(config.width, config.width)
        self.mlp_norm = nn.LayerNorm(config.width)
        self.expand = Linear(config.width, config.expansion * config.width)
        self.contract = Linear(config.expansion * config.width, config.width)
        self.dropout = config.dropout
        with torch.no_grad():  # close to the identity at first, as all residual blocks here
            for last in (self.output, self.contract):
                last.weight.mul_((2 * config.num_layers) ** -0.5)
                last.bias.zero_()

    def project(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values. Shape: (B, n, D) -> (B, H, n, D / H) each."""
        projected = self.query_key_value(self.attention_norm(x)).unflatten(2, (3, self.num_heads, -1))
        q, k = turned(projected[:, :, :2], turns).transpose(1, 3).unbind(2)
        return q, k, projected[:, :, 2].transpose(1, 2)

    def join(self, x: Tensor, attended: Tensor) -> Tensor:
        """Shape: x (B, n, D), attended (B, H, n, D / H) -> (B, n, D)."""
        x = x + self._dropped(self.output(attended.transpose(1, 2).flatten(2)))
        return x + self._dropped(self.contract(self.expand(self.mlp_norm(x), gelu=True)))

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training else x


def attended(q: Tensor, keys: Tensor, values: Tensor, seen: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention whose rows come out the same to the last bit beside any others.

    For few queries torch's own splits the keys among its threads, by how many rows there are.

    Shape: q (..., n, D / H), keys and values (..., N, D / H), seen (n, N) bool -> (..., n, D / H).
    """
    scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores.softmax(dim=-1) @ values


def turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions, of pairs of a channel of the first half with one of the second."""
    cos, sin = turns
    if x.dtype != cos.dtype:
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)
