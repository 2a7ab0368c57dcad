"""An untrained network is a pyramid of its log-mel."""

import dataclasses

import pytest
import torch
from torch import Tensor

from audiovq.models import VQVAE, VQVAEConfig, beginning
from audiovq.nn.blocks import ConvNeXtBlock
from tests.models import tiny

FRAMES = 64  # of log-mels, 8 a frame of the coarsest level


def bare(config: VQVAEConfig) -> VQVAE:
    """Without its residual blocks and the vectors of levels left out."""
    torch.manual_seed(0)
    model = beginning.untrained(config).train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, ConvNeXtBlock):
                module.project.weight.zero_()
        model.decoder.missing.zero_()
    return model


def passed(model: VQVAE, features: Tensor, levels: int) -> Tensor:
    """The log-mel, in network units, of unquantised latents of the first levels."""
    quantized = model.hierarchy(model.encoder(features))[1]
    return model.decoder([level.latent for level in quantized], torch.full((len(features),), levels))


@pytest.fixture(autouse=True)
def nothing_random_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_KEPT", 0.0)


@pytest.mark.parametrize("hierarchy", ["conditional", "residual", "independent"])
@pytest.mark.parametrize("stride", [1, 2])
def test_unquantised_it_gives_the_log_mel_back(hierarchy: str, stride: int) -> None:
    config = dataclasses.replace(tiny.config(hierarchy=hierarchy), stem_strides=[stride], head_strides=[stride])
    features = torch.randn(2, 6, FRAMES)
    torch.testing.assert_close(passed(bare(config), features, 3), features, rtol=0, atol=1e-5)


@pytest.mark.parametrize("hierarchy", ["conditional", "residual", "independent"])
def test_the_first_levels_give_the_mean_of_the_frames_that_become_one(hierarchy: str) -> None:
    config = dataclasses.replace(tiny.config(hierarchy=hierarchy), stem_strides=[1], head_strides=[1])
    features = torch.randn(2, 6, FRAMES)
    for levels, frames in ((1, 4), (2, 2)):
        means = features.unflatten(2, (-1, frames)).mean(3).repeat_interleave(frames, dim=2)
        torch.testing.assert_close(passed(bare(config), features, levels), means, rtol=0, atol=1e-5)


def test_what_the_width_has_no_room_for_is_missing_and_nothing_else() -> None:
    """Ten bands of two frames in 16 channels: what is given and what is missing are at right angles."""
    features = torch.randn(2, 10, FRAMES)
    wide = dataclasses.replace(tiny.config(), mel=dataclasses.replace(tiny.MEL, num_mels=10))
    given = passed(bare(wide), features, 3)
    missing = features - given
    pairs = [x.unflatten(2, (-1, 2)).transpose(2, 3).transpose(1, 2).flatten(1, 2) for x in (given, missing)]
    assert 0.1 < missing.square().sum() / features.square().sum() < 0.3
    torch.testing.assert_close((pairs[0] * pairs[1]).sum(1), torch.zeros_like(pairs[0][:, 0]), rtol=0, atol=1e-4)


def test_other_networks_begin_as_they_are() -> None:
    for config in (tiny.config("wave"), tiny.config(head="istft")):
        model = bare(config)
        assert all(parameter.any() for parameter in model.encoder.parameters() if parameter.dim() == 3)
