"""Losses against values computed by hand, and where they must be zero or grow."""

import math

import pytest
import torch

from audiovq.losses.masked import l1_loss, masked_mean
from audiovq.losses.spectral import MultiScaleMelLoss, multi_scale_stft_loss


def test_masked_mean_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0, 100.0], [3.0, 4.0, 100.0]]])
    mask = torch.tensor([[[1.0, 1.0, 0.0]]])
    assert masked_mean(x, mask) == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert masked_mean(x, None) == pytest.approx(210 / 6)


def test_nothing_valid_is_zero_not_nan() -> None:
    assert masked_mean(torch.ones(1, 2, 3), torch.zeros(1, 1, 3)) == 0


def test_l1_by_hand() -> None:
    loss = l1_loss(torch.tensor([[[1.0, -1.0]]]), torch.tensor([[[0.5, 1.0]]]))
    assert loss == pytest.approx((0.5 + 2.0) / 2)


def test_mel_loss_of_a_louder_copy_is_the_gain_in_nats() -> None:
    wave = torch.randn(1, 1, 16000)
    assert MultiScaleMelLoss(16000)(2 * wave, wave) == pytest.approx(math.log(2), rel=1e-3)


def test_stft_loss_of_a_louder_copy_by_hand() -> None:
    wave = torch.randn(1, 1, 16000)
    # Spectral convergence of twice the signal is 1, the log-magnitude distance log 2.
    assert multi_scale_stft_loss(2 * wave, wave) == pytest.approx(1 + math.log(2), rel=1e-3)


@pytest.mark.parametrize("loss", [MultiScaleMelLoss(16000), multi_scale_stft_loss], ids=["mel", "stft"])
def test_no_difference_no_loss_and_more_noise_more_loss(loss: MultiScaleMelLoss) -> None:
    wave = torch.randn(2, 1, 8000)
    noise = torch.randn(2, 1, 8000)
    values = [float(loss(wave + level * noise, wave)) for level in (0.0, 0.1, 1.0)]
    assert values[0] == 0 and values[0] < values[1] < values[2]
