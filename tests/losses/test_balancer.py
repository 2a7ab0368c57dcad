"""The balancer: shares of the gradient whatever the scale of a loss, equal however a batch is cut."""

import pytest
import torch
from torch import Tensor

from audiovq.losses.balancer import Balancer
from tests.same import same

WEIGHTS = {"mel": 2.0, "adversarial": 0.5}
EVEN = torch.tensor([1.0, 1.0])


def gradients(scale: float = 1.0) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {"mel": torch.randn(2, 1, 50), "adversarial": scale * torch.randn(2, 1, 50)}


def taught(*batches: dict[str, Tensor], decay: float = 0.9) -> Balancer:
    balancer = Balancer(WEIGHTS, decay)
    for batch in batches:
        balancer.measure(batch, EVEN)
        balancer.update(balancer.take())
    return balancer


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_terms_share_is_its_weight_whatever_its_scale(scale: float) -> None:
    batch = gradients(scale)
    balancer = taught(batch, batch)
    alone = {name: balancer.combine({name: gradient}) for name, gradient in batch.items()}
    torch.testing.assert_close(alone["mel"], 2.0 * batch["mel"])
    assert float(alone["adversarial"].norm() / alone["mel"].norm()) == pytest.approx(0.25, rel=1e-4)
    torch.testing.assert_close(balancer.combine(batch), alone["mel"] + alone["adversarial"])


def test_a_term_that_was_never_measured_counts_nothing_but_the_first() -> None:
    batch = gradients()
    torch.testing.assert_close(Balancer(WEIGHTS).combine(batch), 2.0 * batch["mel"])
    first_alone = taught({"mel": batch["mel"]})
    torch.testing.assert_close(first_alone.combine(batch), 2.0 * batch["mel"])


def test_sizes_are_running_means_without_a_bias_to_zero() -> None:
    quiet, loud = gradients(), {name: 3 * value for name, value in gradients().items()}
    sizes = taught(quiet, loud).squares / taught(quiet, loud).totals
    once = taught(quiet).squares / taught(quiet).totals
    torch.testing.assert_close(sizes, once * (0.9 * 1 + 1 * 9) / 1.9)


def test_cut_into_parts_it_learns_the_same() -> None:
    batch, weights = gradients(), torch.tensor([10.0, 30.0])
    whole, parts = Balancer(WEIGHTS), Balancer(WEIGHTS)
    whole.measure(batch, weights)
    for item in (slice(0, 1), slice(1, 2), slice(2, 2)):
        parts.measure({name: value[item] for name, value in batch.items()}, weights[item])
    for balancer in (whole, parts):
        balancer.update(balancer.take())
    torch.testing.assert_close(whole.state_dict(), parts.state_dict())


def test_what_is_taken_is_forgotten() -> None:
    balancer = taught(gradients())
    before = {name: value.clone() for name, value in balancer.state_dict().items()}
    balancer.measure(gradients(), EVEN)
    balancer.take()
    balancer.update(balancer.take())
    assert same(before, dict(balancer.state_dict()))


def test_gradients_that_are_no_numbers_are_not_learned() -> None:
    balancer, broken = taught(gradients()), gradients()
    before = balancer.squares.clone()
    broken["adversarial"][0, 0, 0] = float("inf")
    balancer.measure(broken, EVEN)
    balancer.update(balancer.take())
    assert balancer.squares[1] == before[1] and balancer.squares.isfinite().all()


def test_a_state_carries_over() -> None:
    batch, first = gradients(7.0), taught(gradients(7.0))
    second = Balancer(WEIGHTS)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.combine(batch), second.combine(batch))


def test_a_decay_of_one_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"decay is 1\.0, expected at least 0 and below 1"):
        Balancer(WEIGHTS, decay=1.0)
