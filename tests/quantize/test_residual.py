"""A residual stack quantises what is left over, stage after stage."""

import pytest
import torch

from audiovq.quantize import EMACodebook, QuantizerConfig, ResidualStack, make_quantizer

WIDTH = 6
CONFIGS = [
    QuantizerConfig(codebook_size=8, num_codebooks=3, codebook_dim=3),
    QuantizerConfig(kind="fsq", codebook_size=15, num_codebooks=2, fsq_steps=[5, 3]),
]


def make(config: QuantizerConfig) -> ResidualStack:
    torch.manual_seed(0)
    stack = make_quantizer(config, WIDTH)
    assert isinstance(stack, ResidualStack)
    stack.start(torch.randn(100, WIDTH))
    return stack.eval()


@pytest.mark.parametrize("config", CONFIGS, ids=["ema", "fsq"])
def test_equals_a_loop_over_the_stages(config: QuantizerConfig) -> None:
    stack = make(config)
    latent = torch.randn(2, WIDTH, 10)
    residual, total, codes = latent, torch.zeros_like(latent), []
    for quantizer in stack.quantizers:
        part = quantizer(residual)
        residual, total = residual - part.latent, total + part.latent
        codes.append(part.codes)
    result = stack(latent)
    assert torch.equal(result.codes, torch.cat(codes, dim=1))
    assert result.codes.shape == (2, config.num_codebooks, 10)
    torch.testing.assert_close(result.latent, total)
    torch.testing.assert_close(stack.decode(result.codes), total)


def test_start_begins_every_stage() -> None:
    stack = make_quantizer(CONFIGS[0], WIDTH)
    assert not stack.started
    stack.start(torch.randn(100, WIDTH))
    assert stack.started


def test_an_update_reaches_every_stage_and_nothing_that_was_discarded() -> None:
    stack = make(CONFIGS[0]).train()
    before = {name: value.clone() for name, value in stack.state_dict().items()}
    stack(torch.randn(1, WIDTH, 30))
    stack.discard()
    stack.update()
    assert all(torch.equal(value, before[name]) for name, value in stack.state_dict().items())
    stack(torch.randn(1, WIDTH, 30))
    stack.update()
    changed = {name for name, value in stack.state_dict().items() if not torch.equal(value, before[name])}
    assert {f"quantizers.{k}.codebook" for k in range(3)} < changed


def test_one_codebook_needs_no_stack() -> None:
    assert not isinstance(make_quantizer(QuantizerConfig(codebook_size=8), WIDTH), ResidualStack)


def test_starting_leaves_the_started_alone() -> None:
    torch.manual_seed(0)
    stack = make_quantizer(QuantizerConfig(codebook_size=8, num_codebooks=2), WIDTH)
    assert isinstance(stack, ResidualStack)
    first = stack.quantizers[0]
    assert isinstance(first, EMACodebook)
    first.start(torch.randn(64, WIDTH))
    before = first.codebook.clone()
    latents = torch.randn(64, WIDTH)
    stack.start(latents)
    assert torch.equal(first.codebook, before) and stack.started
    frames = latents.T[None]
    assert torch.equal(stack.eval()(frames).latent, first.eval()(frames).latent)  # what is added says nothing at first
    assert len(stack(frames).codes[0, 1].unique()) == 8


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="quantizer kind is 'vq', expected 'ema' or 'fsq'"):
        QuantizerConfig(kind="vq")
