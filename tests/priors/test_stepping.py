"""One position at a time, laid out beforehand, is what the transformer makes of all at once."""

import copy

import pytest
import torch

from audiovq.nn.int8 import quantise
from audiovq.priors.stepping import Steps
from audiovq.priors.transformer import Cache, Transformer, TransformerConfig


def transformer() -> Transformer:
    torch.manual_seed(0)
    network = Transformer(TransformerConfig(width=32, num_layers=3, num_heads=2, expansion=2), causal=True).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


@torch.inference_mode()
def stepped(network: Transformer, x: torch.Tensor, given: int = 0) -> torch.Tensor:
    cache, steps = Cache(network, *x.shape[:2]), Steps(network)
    made = [network.extend(x[:, :given], cache)] if given else []
    return torch.cat([*made, *(steps(x[:, n], cache)[:, None] for n in range(given, x.shape[1]))], dim=1)


@pytest.mark.parametrize("given", [0, 1, 4])
@torch.inference_mode()
def test_steps_are_one_pass_over_all(given: int) -> None:
    network, x = transformer(), torch.randn(3, 9, 32)
    torch.testing.assert_close(stepped(network, x, given), network(x), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_row_is_to_the_last_bit_as_if_alone_also_when_others_drop_out() -> None:
    network, x = transformer(), torch.randn(5, 6, 32)
    alone = torch.cat([stepped(network, row[None]) for row in x])
    assert torch.equal(stepped(network, x), alone)
    cache, steps = Cache(network, 5, 6), Steps(network)
    for n in range(3):
        steps(x[:, n], cache)
    cache.keep(2)
    assert torch.equal(steps(x[:2, 3], cache), alone[:2, 3])


@torch.inference_mode()
def test_bytes_for_weights_are_read_by_both_ways_alike() -> None:
    network, x = transformer(), torch.randn(2, 5, 32)
    small = copy.deepcopy(network)
    quantise(small)
    cache = Cache(small, 2, 5)
    expected = torch.cat([small.extend(x[:, n : n + 1], cache) for n in range(5)], dim=1)
    torch.testing.assert_close(stepped(small, x), expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(stepped(network, x), expected, atol=1e-5)


def test_what_is_learned_later_is_seen_by_steps_made_later() -> None:
    network, x = transformer(), torch.randn(1, 4, 32)
    before = stepped(network, x)
    with torch.no_grad():
        network.layers[0].expand.weight.mul_(2)
    assert not torch.allclose(stepped(network, x), before)
    torch.testing.assert_close(stepped(network, x), network(x), atol=1e-5, rtol=1e-5)
