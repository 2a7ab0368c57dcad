"""Lengths of the convolutions, their context, and the iSTFT head against signals it must give back."""

import pytest
import torch
from torch import nn

from audiovq.nn.blocks import ConvNeXtBlock, Stack
from audiovq.nn.conv import Downsample, SameConv, Upsample
from audiovq.nn.istft import ISTFTHead
from audiovq.nn.mask import masked


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
def test_lengths(frames: int, stride: int) -> None:
    x = torch.randn(1, 4, frames * stride)
    assert SameConv(4, 3, 5)(x).shape == (1, 3, frames * stride)
    assert Downsample(4, 3, stride)(x).shape == (1, 3, frames)
    assert Upsample(4, 3, stride)(x).shape == (1, 3, frames * stride**2)


torch.manual_seed(0)
LAYERS: list[SameConv | Downsample | Upsample | ConvNeXtBlock | Stack] = [
    SameConv(4, 4, 1),
    SameConv(4, 4, 7),
    *(Downsample(4, 4, stride) for stride in (1, 2, 3, 4, 5)),
    *(Upsample(4, 4, stride) for stride in (1, 2, 3, 4, 5)),
    ConvNeXtBlock(4, 5, 2),
    Stack(3, 4, 5, 2),
]
for layer in LAYERS:
    for name, parameter in layer.named_parameters():
        if name.endswith("project.weight"):
            parameter.data.mul_(10)  # a block begins close to the identity: too close to see what it depends on


@pytest.mark.parametrize("frames", [0, 1, 4])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_context_is_what_an_output_depends_on(layer: nn.Module, frames: int) -> None:
    """Cut the input `context` frames beyond the window: inside nothing changes. One frame less, and something does."""
    down = layer.stride if isinstance(layer, Downsample) else 1
    up = layer.stride if isinstance(layer, Upsample) else 1
    context: int = layer.context(frames)  # type: ignore[operator]
    length = 60 * down
    torch.manual_seed(1)
    x, other = torch.randn(2, 1, 4, length)
    start = 30 * down
    window = slice(start * up // down - frames, None)
    whole = layer(x)[..., window]

    def cut(margin: int) -> torch.Tensor:
        hidden = x.clone()
        hidden[..., : start - margin] = 9 * other[..., : start - margin]  # what lies further away
        return layer(hidden)[..., window]

    torch.testing.assert_close(cut(context), whole)
    if context > frames * down:
        assert not torch.equal(cut(context - down), whole)


def test_downsample_wants_whole_frames() -> None:
    with pytest.raises(ValueError, match="7 frames do not divide by the stride 2"):
        Downsample(2, 2, 2)(torch.randn(1, 2, 7))


def test_an_even_kernel_has_no_centre() -> None:
    with pytest.raises(ValueError, match="kernel_size is 4, expected an odd number"):
        SameConv(2, 2, 4)


def test_masked_frames_do_not_leak() -> None:
    mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0, 0.0]]])
    x = torch.randn(1, 2, 5)
    for layer in (SameConv(2, 2, 3), Upsample(2, 2, 2), ConvNeXtBlock(2, 3, 2)):
        spoiled = x.masked_fill(mask == 0, 7.0)
        ratio = layer(x).shape[-1] // 5
        torch.testing.assert_close(layer(spoiled, mask)[..., : 3 * ratio], layer(x[..., :3])[..., : 3 * ratio])


def oracle(head: ISTFTHead, wave: torch.Tensor) -> torch.Tensor:
    """The spectrum of a wave in the form that the head's projection gives: log-magnitudes, then phases."""
    trim = (head.n_fft - head.hop_length) // 2
    padded = nn.functional.pad(wave, (trim, trim))
    spectrum = torch.stft(
        padded[:, 0], head.n_fft, head.hop_length, window=head.window, center=False, return_complex=True
    )
    return torch.cat([spectrum.abs().clamp(min=1e-9).log(), spectrum.angle()], dim=1)


def make_head() -> ISTFTHead:
    head = ISTFTHead(width=34, hop_length=8)
    with torch.no_grad():
        head.project.weight.copy_(torch.eye(34))
        head.project.bias.zero_()
    return head


def test_istft_head_inverts_the_stft() -> None:
    head = make_head()
    wave = 0.5 * torch.randn(2, 1, 20 * 8)
    torch.testing.assert_close(head(oracle(head, wave)), wave, atol=1e-4, rtol=1e-4)


def test_istft_head_ends_where_its_mask_ends() -> None:
    head = make_head()
    x = torch.randn(1, 34, 12)
    mask = torch.zeros(1, 1, 12)
    mask[..., :5] = 1
    torch.testing.assert_close(head(x, mask)[..., : 5 * 8], head(x[..., :5]))


def test_masked_keeps_the_type() -> None:
    half = torch.ones(1, 2, 3, dtype=torch.bfloat16)
    assert masked(half, torch.ones(1, 1, 3)).dtype == torch.bfloat16
    assert masked(half, None) is half
