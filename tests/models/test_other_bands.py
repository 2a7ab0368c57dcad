"""A network of other log-mels goes on with what it learned, at its bands' frequencies."""

import dataclasses

import pytest
import torch
from torch import Tensor

from audiovq.audio.mel import LogMelConfig
from audiovq.models import VQVAE, VQVAEConfig, beginning
from audiovq.models.other_bands import carry_bands, reads_other_bands
from recipes.train_tokenizer.beginning import tensors_that_fit
from tests.models import tiny
from tests.models.test_beginning import FRAMES, bare, passed

OTHER = dataclasses.replace(tiny.MEL, sample_rate=1000, num_mels=9, fmax=500.0)
INSIDE = slice(1, 6)  # the bands of OTHER whose neighbours in ``tiny.MEL`` lie on both sides


def of(mel: LogMelConfig, stereo: str = "separate") -> VQVAEConfig:
    plain = dataclasses.replace(tiny.config(), stem_strides=[1], head_strides=[1], mel=mel)
    return dataclasses.replace(plain, width=24, stereo=stereo)


def carried(source: VQVAE, config: VQVAEConfig) -> VQVAE:
    """A network with all that fits of the source, and its bands."""
    target = bare(config)
    target.load_state_dict(tensors_that_fit(source.state_dict(), target.state_dict()), strict=False)
    carry_bands(source, target)
    return target


def lines(mel: LogMelConfig) -> Tensor:
    """Log-mels that are straight lines over frequency."""
    centres = torch.linspace(0, mel.fmax, mel.num_mels + 2)[1:-1]  # below 1 kHz the bands lie evenly
    slopes = torch.randn(2, 1, FRAMES, generator=torch.Generator().manual_seed(0))
    return slopes * centres[:, None] / 100 + slopes.flip(0)


@pytest.fixture(autouse=True)
def nothing_random_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_KEPT", 0.0)


def test_straight_spectra_pass_as_they_did() -> None:
    source = bare(of(tiny.MEL))
    features = lines(OTHER)
    given = passed(carried(source, of(OTHER)), features, 3)
    torch.testing.assert_close(given[:, INSIDE], features[:, INSIDE], rtol=0, atol=1e-4)
    highest = passed(source, lines(tiny.MEL), 3)[:, -1:]
    torch.testing.assert_close(given[:, 6:], highest.expand(-1, 3, -1), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("stride", "width"), [(1, 24), (2, 48)])
def test_two_channels_get_room_beside_what_one_used(stride: int, width: int) -> None:
    source = dataclasses.replace(of(tiny.MEL), stem_strides=[stride], head_strides=[stride], width=width)
    target = carried(bare(source), dataclasses.replace(source, stereo="joint"))
    shared, rest = torch.randn(1, 6, FRAMES), torch.randn(1, 12, FRAMES)
    for silent in (torch.zeros_like(rest), rest):
        given = passed(target, torch.cat([shared, silent], dim=1), 3)
        torch.testing.assert_close(given[:, :6], shared, rtol=0, atol=1e-4)
        torch.testing.assert_close(given[:, 6:], silent, rtol=0, atol=1e-4)


def test_both_of_two_channels_are_carried() -> None:
    source = bare(of(tiny.MEL, "joint"))
    features = torch.cat([lines(OTHER), 2 * lines(OTHER), -lines(OTHER)], dim=1)
    given = passed(carried(source, of(OTHER, "joint")), features, 3)
    for part, wanted in zip(given.chunk(3, dim=1), features.chunk(3, dim=1), strict=True):
        torch.testing.assert_close(part[:, INSIDE], wanted[:, INSIDE], rtol=0, atol=1e-4)
    alone = passed(carried(source, of(OTHER)), lines(OTHER), 3)
    torch.testing.assert_close(alone[:, INSIDE], lines(OTHER)[:, INSIDE], rtol=0, atol=1e-4)


def test_which_networks_read_other_bands() -> None:
    plain = VQVAE(of(tiny.MEL))
    assert not reads_other_bands(plain, VQVAE(of(tiny.MEL)))
    assert reads_other_bands(plain, VQVAE(of(OTHER)))
    assert reads_other_bands(plain, VQVAE(of(tiny.MEL, "joint")))
    assert not reads_other_bands(plain, VQVAE(dataclasses.replace(of(OTHER), width=16)))
    assert not reads_other_bands(plain, VQVAE(dataclasses.replace(of(OTHER), stem_strides=[2], head_strides=[2])))
    assert not reads_other_bands(VQVAE(tiny.config("wave")), plain)
