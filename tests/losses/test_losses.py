"""Losses against values computed by hand, where they must be zero or grow, and how they read a padded batch."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.losses.masked import l1_loss, log_mel_loss, masked_mean, relative_l2_loss
from audiovq.losses.spectral import MultiScaleMelLoss, multi_scale_stft_loss

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
HOP = 80  # of the coarsest level: no multiple of any hop of the losses


def relative_l2_of_waves(prediction: Tensor, target: Tensor, num_samples: Tensor) -> Tensor:
    mask = torch.arange(target.shape[-1]) < num_samples[:, None, None]
    return relative_l2_loss(prediction, target, mask.float())


def l1_of_waves(prediction: Tensor, target: Tensor, num_samples: Tensor) -> Tensor:
    mask = torch.arange(target.shape[-1]) < num_samples[:, None, None]
    return l1_loss(prediction, target, mask.float())


spectral = pytest.mark.parametrize("loss", [MultiScaleMelLoss(16000), multi_scale_stft_loss], ids=["mel", "stft"])
every = pytest.mark.parametrize(
    "loss",
    [MultiScaleMelLoss(16000), multi_scale_stft_loss, l1_of_waves, relative_l2_of_waves],
    ids=["mel", "stft", "l1", "l2"],
)


def whole(wave: Tensor) -> Tensor:
    """The lengths of items without padding."""
    return torch.full((len(wave),), wave.shape[-1])


def waves(lengths: list[int]) -> list[tuple[Tensor, Tensor]]:
    """A prediction and a target of each length, of different loudness and likeness."""
    torch.manual_seed(0)
    pairs = []
    for item, length in enumerate(lengths, start=1):
        target = 0.1 * item * torch.randn(1, 1, length)
        pairs.append((target + 0.1 * torch.randn_like(target), target))
    return pairs


def batch(pairs: list[tuple[Tensor, Tensor]], length: int) -> tuple[Tensor, Tensor]:
    """The items beside each other, with noise where they are padded."""
    prediction, target = torch.randn(2, len(pairs), 1, length)
    for item, pair in enumerate(pairs):
        prediction[item, :, : pair[0].shape[-1]], target[item, :, : pair[1].shape[-1]] = pair[0][0], pair[1][0]
    return prediction, target


def test_masked_mean_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0, 100.0], [3.0, 4.0, 100.0]]])
    mask = torch.tensor([[[1.0, 1.0, 0.0]]])
    assert masked_mean(x, mask) == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert masked_mean(x, None) == pytest.approx(210 / 6)


def test_means_of_half_precision_are_in_full() -> None:
    x = torch.tensor([[[2048.0, 2050.0, 2050.0]]])  # float16 has no number between
    for mask in (None, torch.ones(1, 1, 3)):
        assert float(masked_mean(x.half(), mask)) == pytest.approx(6148 / 3)


def test_l1_by_hand() -> None:
    loss = l1_loss(torch.tensor([[[1.0, -1.0]]]), torch.tensor([[[0.5, 1.0]]]))
    assert loss == pytest.approx((0.5 + 2.0) / 2)


def test_relative_l2_by_hand() -> None:
    target = torch.tensor([[[3.0, 4.0, 100.0]], [[1.0, 1.0, 1.0]]])
    prediction = torch.tensor([[[3.0, 3.0, 0.0]], [[0.0, 0.0, 0.0]]])
    mask = torch.tensor([[[1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]]])
    assert relative_l2_loss(prediction, target, mask) == pytest.approx((2 * (1 / 25) + 3 * 1) / 5)


@pytest.mark.parametrize("num_samples", [16000, HOP], ids=["whole hops", "less than a hop"])
def test_mel_loss_of_a_louder_copy_is_the_gain_in_nats(num_samples: int) -> None:
    wave = torch.randn(1, 1, num_samples)
    assert MultiScaleMelLoss(16000)(2 * wave, wave, whole(wave)) == pytest.approx(math.log(2), rel=1e-3)


def test_stft_loss_of_a_louder_copy_by_hand() -> None:
    wave = torch.randn(1, 1, 16000)
    # Spectral convergence of twice the signal is 1, the log-magnitude distance log 2.
    assert multi_scale_stft_loss(2 * wave, wave, whole(wave)) == pytest.approx(1 + math.log(2), rel=1e-3)


def test_stft_loss_of_clicks_by_hand() -> None:
    clicks = torch.zeros(2, 1, 1280)
    clicks[:, 0, 300] = 1.0
    gains = torch.tensor([2.0, 4.0])[:, None, None]
    # A click makes all bins of a frame equal, so convergence is gain - 1. Windows of 256 samples every 64 reach it in
    # four frames, of 640 / 64 and 1280 / 64 frames; there the log-magnitudes differ by log(gain), elsewhere not at all.
    alone = [1 + 4 / 10 * math.log(2), 3 + 4 / 20 * math.log(4)]
    expected = (640 * alone[0] + 1280 * alone[1]) / 1920
    loss = multi_scale_stft_loss(gains * clicks, clicks, torch.tensor([640, 1280]), n_ffts=(256,))
    assert loss == pytest.approx(expected, rel=1e-5)


@spectral
def test_no_difference_no_loss_and_more_noise_more_loss(loss: Loss) -> None:
    wave = torch.randn(2, 1, 8000)
    noise = torch.randn(2, 1, 8000)
    values = [float(loss(wave + level * noise, wave, whole(wave))) for level in (0.0, 0.1, 1.0)]
    assert values[0] == 0 and values[0] < values[1] < values[2]


@every
@pytest.mark.parametrize("num_hops", [1, 7, 50])
def test_padding_is_not_heard(loss: Loss, num_hops: int) -> None:
    pairs = waves([num_hops * HOP])
    alone = loss(*pairs[0], whole(pairs[0][1]))
    for padding in (1, HOP, 3000):
        prediction, target = batch(pairs, num_hops * HOP + padding)
        prediction.requires_grad_()
        padded = loss(prediction, target, torch.tensor([num_hops * HOP]))
        torch.testing.assert_close(padded, alone)
        (gradient,) = torch.autograd.grad(padded, prediction)
        assert gradient[..., : num_hops * HOP].any() and not gradient[..., num_hops * HOP :].any()


@every
def test_a_batch_is_the_mean_of_its_items_weighted_by_their_length(loss: Loss) -> None:
    lengths = [HOP, 60 * HOP, 13 * HOP, 0]
    pairs = waves(lengths)
    together = loss(*batch(pairs, 60 * HOP), torch.tensor(lengths))
    apart = sum(length * float(loss(*pair, whole(pair[1]))) for length, pair in zip(lengths[:3], pairs, strict=False))
    assert float(together) == pytest.approx(apart / sum(lengths), rel=1e-5)


@every
def test_nothing_valid_is_zero_with_finite_gradients(loss: Loss) -> None:
    prediction = torch.randn(2, 1, 4 * HOP).requires_grad_()
    value = loss(prediction, torch.randn(2, 1, 4 * HOP), torch.tensor([0, 0]))
    (gradient,) = torch.autograd.grad(value, prediction)
    assert value == 0 and not gradient.any()


@spectral
def test_silence_has_finite_gradients(loss: Loss) -> None:
    prediction = torch.zeros(1, 1, 4 * HOP).requires_grad_()
    loss(prediction, torch.randn(1, 1, 4 * HOP), torch.tensor([4 * HOP])).backward()
    assert prediction.grad is not None and prediction.grad.isfinite().all()


def test_a_whisper_beside_silence_does_not_drown_the_other_items() -> None:
    # Convergence relative to digital silence would be the magnitude of the error over the floor of 1e-5: thousands.
    whisper = 1e-3 * torch.randn(1, 1, 4000)
    assert multi_scale_stft_loss(whisper, torch.zeros_like(whisper), whole(whisper)) < 10


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(loss: Loss, dtype: torch.dtype) -> None:
    prediction, target = (wave.to(dtype) for wave in waves([20 * HOP])[0])
    expected = loss(prediction.float(), target.float(), whole(target))
    with torch.autocast("cpu", dtype=dtype):
        value = loss(prediction, target, whole(target))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=0, atol=0)


def test_log_mel_loss_by_hand() -> None:
    # Magnitudes 4 and 16 at a power of 1/2: cells count 2 and 4, by the greater of both.
    target, prediction = torch.tensor([4.0, 1.0]).log(), torch.tensor([1.0, 16.0]).log()
    loss = log_mel_loss(prediction[None, :, None], target[None, :, None], torch.ones(1, 1, 1), loudness_power=0.5)
    assert float(loss) == pytest.approx((2 * math.log(4) + 4 * math.log(16)) / 6)


def test_log_mel_loss_without_a_power_is_l1() -> None:
    prediction, target = torch.randn(2, 2, 3, 5)
    mask = torch.tensor([[[1.0, 1, 1, 1, 1]], [[1, 1, 0, 0, 0]]])
    expected = l1_loss(prediction, target, mask)
    torch.testing.assert_close(log_mel_loss(prediction, target, mask), expected)
    torch.testing.assert_close(log_mel_loss(prediction, target, mask, loudness_power=1e-9), expected)


def test_log_mel_loss_counts_quiet_items_like_loud_ones_and_no_padding() -> None:
    prediction, target = torch.randn(2, 1, 4, 6)
    mask = torch.ones(1, 1, 6)
    alone = log_mel_loss(prediction, target, mask, loudness_power=0.5)
    first = F.pad(torch.cat([prediction, prediction - 9]), (0, 3), value=7.0)
    second = F.pad(torch.cat([target, target - 9]), (0, 3), value=7.0)
    both = log_mel_loss(first, second, F.pad(mask, (0, 3)).repeat(2, 1, 1), loudness_power=0.5)
    torch.testing.assert_close(both, alone)
    assert log_mel_loss(prediction, target, torch.zeros(1, 1, 6), loudness_power=0.5) == 0
