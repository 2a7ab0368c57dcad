"""One position after another through a transformer, with as little as possible between one product and the next."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from audiovq.priors.transformer import Cache, Layer, Transformer, attended, turned


class Steps:
    """The next position of a causal transformer after those in a cache, as its ``extend`` gives it.

    Calls of modules and checks of what never changes take a third of the time of a single position: all that is asked
    once here. What is learned afterwards is not seen.

    Shape: (B, D) -> (B, D).
    """

    def __init__(self, transformer: Transformer) -> None:
        self._num_heads = transformer.config.num_heads
        self._layers = [_Layer(layer) for layer in transformer.layers]
        self._norm = _normalised(transformer.norm)

    def __call__(self, x: Tensor, cache: Cache) -> Tensor:
        position = cache.length
        turns = cache.turns[0][position], cache.turns[1][position]
        new_keys, new_values = (kept.select(3, position).unbind() for kept in (cache.keys, cache.values))
        keys, values = (kept.flatten(1, 2)[:, :, : position + 1].unbind() for kept in (cache.keys, cache.values))
        for number, layer in enumerate(self._layers):
            projected = layer.query_key_value(layer.attention_norm(x)).view(len(x), 3, self._num_heads, -1)
            q, k = turned(projected[:, :2], turns).unbind(1)
            new_keys[number].copy_(k)
            new_values[number].copy_(projected[:, 2])
            rows = q.reshape(len(keys[number]), 1, -1)  # of one head each
            x = x + layer.output(attended(rows, keys[number], values[number]).view(x.shape))
            x = x + layer.contract(layer.expand(layer.mlp_norm(x)))
        cache.length = position + 1
        return self._norm(x)


class _Layer:
    """The parts of a layer as functions."""

    def __init__(self, layer: Layer) -> None:
        self.attention_norm, self.mlp_norm = _normalised(layer.attention_norm), _normalised(layer.mlp_norm)
        self.query_key_value, self.output = layer.query_key_value.bound(), layer.output.bound()
        self.expand, self.contract = layer.expand.bound(gelu=True), layer.contract.bound()


def _normalised(norm: nn.LayerNorm) -> Callable[[Tensor], Tensor]:
    shape, weight, bias, eps = list(norm.normalized_shape), norm.weight, norm.bias, norm.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)
