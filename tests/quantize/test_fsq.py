"""FSQ against the reference implementation, and its grid against counting."""

import itertools

import pytest
import torch
from vector_quantize_pytorch import FSQ as ReferenceFSQ

from audiovq.quantize import FSQ, QuantizerConfig


def make(steps: list[int], width: int = 8) -> FSQ:
    size = int(torch.tensor(steps).prod())
    return FSQ(QuantizerConfig(kind="fsq", codebook_size=size, fsq_steps=steps), width).eval()


@pytest.mark.parametrize("steps", [[8, 5, 5, 5], [7, 5, 5], [4, 4, 4, 4, 4], [3, 6]])
def test_equals_the_reference(steps: list[int]) -> None:
    quantizer = make(steps, width=len(steps))
    with torch.no_grad():
        quantizer.project_in.weight.copy_(torch.eye(len(steps)))
        quantizer.project_in.bias.zero_()
        quantizer.project_out.weight.copy_(torch.eye(len(steps)))
        quantizer.project_out.bias.zero_()
    latent = 3 * torch.randn(2, len(steps), 50)
    expected, codes = ReferenceFSQ(steps)(latent.transpose(1, 2))
    result = quantizer(latent)
    assert torch.equal(result.codes[:, 0], codes.long())
    torch.testing.assert_close(result.latent, expected.transpose(1, 2))


@pytest.mark.parametrize("steps", [[3, 4], [5, 2, 3]])
def test_every_code_is_a_grid_point_of_its_own(steps: list[int]) -> None:
    quantizer = make(steps)
    codes = torch.arange(quantizer.codebook_size)[None, None]
    digits = codes[0, 0, :, None] // quantizer.places % quantizer.steps
    assert sorted(map(tuple, digits.tolist())) == sorted(itertools.product(*map(range, steps)))


def test_decoding_codes_gives_the_quantised_latent() -> None:
    quantizer = make([8, 5, 5, 5])
    result = quantizer(torch.randn(2, 8, 30))
    assert result.codes.shape == (2, 1, 30)
    torch.testing.assert_close(quantizer.decode(result.codes), result.latent)


def test_gradients_pass_straight_through() -> None:
    latent = torch.randn(1, 8, 5, requires_grad=True)
    make([5, 5])(latent).latent.sum().backward()
    assert latent.grad is not None and latent.grad.abs().sum() > 0


def test_a_grid_learns_nothing() -> None:
    quantizer = make([5, 5]).train()
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer(torch.randn(1, 8, 5))
    quantizer.update()
    quantizer.discard()
    assert all(torch.equal(value, before[name]) for name, value in quantizer.state_dict().items())


def test_steps_must_make_the_codebook() -> None:
    with pytest.raises(ValueError, match="make 25 codes, expected codebook_size 24"):
        FSQ(QuantizerConfig(kind="fsq", codebook_size=24, fsq_steps=[5, 5]), 8)
