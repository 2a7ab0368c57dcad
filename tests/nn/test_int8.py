"""Layers with bytes for weights: near the layer that they stand for, and a row as if it were alone."""

import pytest
import torch
from torch import nn

from audiovq.nn.int8 import Int8Linear, quantise
from audiovq.nn.linear import Linear


def layers() -> tuple[Linear, Int8Linear]:
    torch.manual_seed(0)
    full = Linear(64, 48)
    with torch.no_grad():
        full.weight[3] *= 100  # one large row must not coarsen the others
        full.weight[5] = 0
    return full, Int8Linear(full)


@pytest.mark.parametrize("shape", [(1, 64), (16, 64), (2, 1, 64), (2, 9, 64)])
@torch.inference_mode()
def test_it_is_near_the_full_layer(shape: tuple[int, ...]) -> None:
    full, bytes_ = layers()
    x = torch.randn(shape)
    expected, made = full(x), bytes_(x)
    assert made.shape == expected.shape and made.dtype == torch.float32
    error = (made - expected).flatten(0, -2).square().mean(0).sqrt()
    size = x.square().mean().sqrt() * full.weight.norm(dim=1)
    assert bool((error <= 0.02 * size + 1e-6).all())


@pytest.mark.parametrize("shape", [(1, 64), (16, 64), (2, 1, 64), (2, 9, 64)])
@torch.inference_mode()
def test_both_kinds_give_the_gelu_of_their_product(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    for layer in layers():
        torch.testing.assert_close(layer(x, gelu=True), nn.functional.gelu(layer(x)), atol=1e-6, rtol=1e-6)


@torch.inference_mode()
def test_a_row_is_to_the_last_bit_as_if_alone() -> None:
    _, bytes_ = layers()
    x = torch.randn(19, 1, 64)
    assert torch.equal(bytes_(x), torch.cat([bytes_(row[None]) for row in x]))


def test_every_linear_layer_is_replaced_and_none_learns() -> None:
    network = nn.Sequential(Linear(4, 4), nn.Sequential(nn.LayerNorm(4), Linear(4, 2)))
    before = sum(parameter.numel() for parameter in network.parameters())
    quantise(network)
    assert [type(module).__name__ for module in network.modules()].count("Int8Linear") == 2
    assert not any(isinstance(module, Linear) for module in network.modules())
    assert sum(parameter.numel() for parameter in network.parameters()) == before
