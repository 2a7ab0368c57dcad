"""Discriminators: what they hear of a padded batch, and that every view sees what it is for."""

import math

import pytest
import torch
from torch import Tensor

from audiovq.models.discriminators import (
    BandView,
    Discriminators,
    DiscriminatorsConfig,
    Judgement,
    PeriodView,
    STFTView,
    magnitude_discriminators,
    wave_discriminators,
)

CONFIG = DiscriminatorsConfig(periods=[2, 5], period_channels=[4, 8], n_ffts=[32, 64], stft_channels=4)


def discriminators() -> Discriminators:
    torch.manual_seed(0)
    return wave_discriminators(CONFIG)


def own(x: Tensor, frames: Tensor, item: int) -> Tensor:
    return x[item, :, : int(frames[item])]


def maps(judgement: Judgement) -> list[tuple[Tensor, Tensor]]:
    """Features and score, each with the frames of its items."""
    features = zip(judgement.features, judgement.feature_frames, strict=True)
    return [*features, (judgement.score, judgement.score_frames)]


@pytest.mark.parametrize("of", ["waves", "magnitudes"])
@pytest.mark.parametrize("length", [1, 37, 100, 640])
def test_a_padded_item_is_judged_as_alone(length: int, of: str) -> None:
    torch.manual_seed(0)
    model = wave_discriminators(CONFIG) if of == "waves" else magnitude_discriminators(CONFIG)
    wave = torch.randn(2, 1 if of == "waves" else 65, 700)
    together = model(wave, torch.tensor([length, 700]))
    alone = model(wave[:1, :, :length], torch.tensor([length]))
    for padded, single in zip(together, alone, strict=True):
        for (a, frames), (b, expected) in zip(maps(padded), maps(single), strict=True):
            assert frames[0] == expected[0] == b.shape[2]
            torch.testing.assert_close(own(a, frames, 0), b[0], atol=1e-5, rtol=1e-5)


def test_what_lies_in_the_padding_is_not_heard_and_gets_no_gradient() -> None:
    wave = torch.randn(1, 1, 400, requires_grad=True)
    judgements = discriminators()(wave, torch.tensor([150]))
    torch.stack([own(x, frames, 0).sum() for view in judgements for x, frames in maps(view)]).sum().backward()
    assert wave.grad is not None
    assert wave.grad[..., :150].any() and not wave.grad[..., 150:].any()


def test_an_item_of_nothing_has_no_frames() -> None:
    for view in discriminators()(torch.zeros(1, 1, 64), torch.tensor([0])):
        assert all(frames.tolist() == [0] and x.isfinite().all() for x, frames in maps(view))


def test_a_period_puts_every_pth_sample_into_one_column() -> None:
    picture = PeriodView(3, [4]).picture(torch.arange(1.0, 8.0)[None, None])
    assert picture[0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0]]


def test_a_band_sees_its_own_bins_in_order_of_frequency() -> None:
    magnitudes = torch.arange(2.0 * 8 * 3).reshape(2, 8, 3)
    picture = BandView(0.25, 0.5, 4).picture(magnitudes)
    assert picture.shape == (2, 1, 3, 2) and picture[0, 0].tolist() == [[6, 9], [7, 10], [8, 11]]
    views = magnitude_discriminators(DiscriminatorsConfig(band_edges=[0.0, 0.3, 1.0])).views
    assert sum(view.picture(magnitudes).shape[3] for view in views) == 8  # none twice, none left out


@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.5, 0.5], [0.0, 1.1], [-0.1, 1.0]])
def test_bands_that_are_none_are_errors(edges: list[float]) -> None:
    with pytest.raises(ValueError, match="expected two or more that rise from 0 or more to at most 1"):
        DiscriminatorsConfig(band_edges=edges)


def test_spectra_are_complex_and_centred_on_their_hops() -> None:
    view = STFTView(64, 4)
    wave = torch.zeros(1, 1, 160)
    wave[..., 5 * 16 + 8] = 1.0  # the middle of the hop of frame 5
    picture = view.picture(wave)
    assert picture.shape == (1, 2, 10, 33)
    assert int(picture.square().sum(dim=(0, 1, 3)).argmax()) == 5
    turned = view.picture(-wave)
    torch.testing.assert_close(turned, -picture)  # phase is seen, not magnitude alone


def test_the_spectrum_of_noise_is_as_large_as_the_noise() -> None:
    torch.manual_seed(0)
    picture = STFTView(64, 4).picture(0.1 * torch.randn(1, 1, 16000))
    assert float(picture.square().sum(1).mean().sqrt()) == pytest.approx(0.1, rel=0.05)


def test_every_parameter_learns_in_bfloat16_too() -> None:
    model = discriminators()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        judgements = model(torch.randn(2, 1, 640), torch.tensor([640, 500]))
    torch.stack([view.score.float().square().mean() for view in judgements]).sum().backward()
    still = {name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()}
    assert not still


def test_a_view_that_is_not_listed_is_not_made() -> None:
    assert len(wave_discriminators(DiscriminatorsConfig(periods=[], n_ffts=[64])).views) == 1
    with pytest.raises(ValueError, match="expected at least one view"):
        wave_discriminators(DiscriminatorsConfig(periods=[], n_ffts=[]))


def test_frames_of_every_layer_follow_its_stride() -> None:
    (view,) = wave_discriminators(DiscriminatorsConfig(periods=[7], period_channels=[4, 4], n_ffts=[]))(
        torch.randn(1, 1, 1000), torch.tensor([500])
    )
    rows = math.ceil(500 / 7)
    assert [int(frames) for frames in view.feature_frames] == [
        math.ceil(rows / 3),
        math.ceil(math.ceil(rows / 3) / 3),
        math.ceil(math.ceil(rows / 3) / 3),
    ]
