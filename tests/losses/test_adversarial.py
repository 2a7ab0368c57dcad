"""Adversarial losses against values computed by hand, and how they read a padded batch."""

import pytest
import torch
from torch import Tensor

from audiovq.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss

ONE = torch.tensor([1.0])


def score(*values: float) -> Tensor:
    return torch.tensor(values)[None, None, :, None]


def frames(count: int) -> Tensor:
    return torch.tensor([count])


def test_hinge_by_hand() -> None:
    real, decoded = [score(2.0, 0.5)], [score(-3.0, 0.0)]
    assert discriminator_loss("hinge", real, decoded, [frames(2)], ONE) == pytest.approx(0.5 / 2 + 1 / 2)
    assert generator_loss("hinge", decoded, [frames(2)], ONE) == pytest.approx((4 + 1) / 2)


def test_least_squares_by_hand() -> None:
    real, decoded = [score(2.0, 0.5)], [score(-3.0, 0.0)]
    expected = (1 + 0.25) / 2 + (9 + 0) / 2
    assert discriminator_loss("least_squares", real, decoded, [frames(2)], ONE) == pytest.approx(expected)
    assert generator_loss("least_squares", decoded, [frames(2)], ONE) == pytest.approx((16 + 1) / 2)


def test_discriminators_are_averaged_whatever_the_size_of_their_maps() -> None:
    decoded = [score(1.0, 1.0, 1.0), score(0.0)]
    assert generator_loss("hinge", decoded, [frames(3), frames(1)], ONE) == pytest.approx(0.5)


def test_feature_matching_is_relative_to_the_real_features() -> None:
    real, decoded = [score(2.0, -4.0), score(0.1)], [score(2.0, -1.0), score(0.2)]
    own = [frames(2), frames(1)]
    expected = (1.5 / 3 + 0.1 / 0.1) / 2
    assert feature_matching_loss(real, decoded, own, ONE) == pytest.approx(expected)
    louder = feature_matching_loss([5 * x for x in real], [5 * x for x in decoded], own, ONE)
    assert louder == pytest.approx(expected)


def test_features_of_silence_do_not_drown_the_others() -> None:
    assert feature_matching_loss([score(0.0)], [score(0.01)], [frames(1)], ONE) == pytest.approx(1.0)


def test_real_features_get_no_gradient() -> None:
    real, decoded = score(1.0).requires_grad_(), score(2.0).requires_grad_()
    feature_matching_loss([real], [decoded], [frames(1)], ONE).backward()
    assert real.grad is None and decoded.grad is not None


@pytest.mark.parametrize("form", ["hinge", "least_squares"])
def test_a_batch_is_the_weighted_mean_of_its_items_and_padding_is_not_heard(form: str) -> None:
    torch.manual_seed(0)
    counts, weights = torch.tensor([3, 9, 0]), torch.tensor([30, 90, 0])
    real, decoded = torch.randn(2, 3, 4, 9, 2).unbind()
    decoded.requires_grad_()

    def loss(items: slice, length: int) -> Tensor:
        a, b = real[items, :, :length], decoded[items, :, :length]
        own, by = [counts[items]], weights[items]
        return (
            discriminator_loss(form, [a], [b], own, by)
            + generator_loss(form, [b], own, by)
            + feature_matching_loss([a], [b], own, by)
        )

    together = loss(slice(0, 3), 9)
    apart = (30 * loss(slice(0, 1), 3) + 90 * loss(slice(1, 2), 9)) / 120
    torch.testing.assert_close(together, apart)
    (gradient,) = torch.autograd.grad(together, decoded)
    assert gradient[0, :, :3].any() and not gradient[0, :, 3:].any() and not gradient[2].any()


@pytest.mark.parametrize("form", ["hinge", "least_squares"])
def test_nothing_valid_is_zero_with_finite_gradients(form: str) -> None:
    none, real, decoded = torch.tensor([0]), score(1.0, 2.0), score(3.0, 4.0).requires_grad_()
    total = (
        discriminator_loss(form, [real], [decoded], [none], none)
        + generator_loss(form, [decoded], [none], none)
        + feature_matching_loss([real], [decoded], [none], none)
    )
    (gradient,) = torch.autograd.grad(total, decoded)
    assert total == 0 and not gradient.any()


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="is 'wasserstein', expected one of hinge, least_squares"):
        generator_loss("wasserstein", [score(1.0)], [frames(1)], ONE)
