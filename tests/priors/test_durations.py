import pytest
import torch

from audiovq.losses.gaussian import gaussian_loss
from audiovq.priors.durations import DurationConfig, DurationPredictor
from audiovq.priors.sampling import ItemRandom
from tests.priors.test_networks import joined
from tests.priors.tiny import CONDITION, inputs


def predictor(mean: float | None = None, log_variance: float = 0.0) -> DurationPredictor:
    """An untrained one; with a mean it foresees the same for every symbol."""
    torch.manual_seed(0)
    made = DurationPredictor(DurationConfig(width=16, condition=CONDITION)).eval()
    if mean is not None:
        with torch.no_grad():
            made.head.weight.zero_()
            made.head.bias.copy_(torch.tensor([mean, log_variance]))
    return made


def frames(made: DurationPredictor, temperature: float = 0.0, speed: float = 1.0, seed: int = 0) -> list[int]:
    return made.frames(inputs(4), ItemRandom(seed), temperature, speed)[0].tolist()


def test_a_sure_forecast_is_taken_as_it_is() -> None:
    ten = float(torch.tensor(10.0).log1p())
    assert frames(predictor(ten, -20.0)) == [10] * 4
    assert frames(predictor(ten, -20.0), speed=2.0) == [5] * 4
    assert frames(predictor(ten, -20.0), speed=0.5) == [20] * 4
    assert frames(predictor(float(torch.tensor(0.4).log1p()), -20.0)) == [0] * 4
    assert frames(predictor(float(torch.tensor(0.6).log1p()), -20.0)) == [1] * 4


def test_a_doubtful_forecast_lasts_as_long_as_its_mean() -> None:
    mean, variance = 2.0, 0.25
    expected = round(float(torch.tensor(mean + variance / 2).exp()) - 1)
    assert frames(predictor(mean, float(torch.tensor(variance).log()))) == [expected] * 4
    many = [
        f for seed in range(400) for f in frames(predictor(mean, float(torch.tensor(variance).log())), 1.0, seed=seed)
    ]
    assert sum(many) / len(many) == pytest.approx(expected, rel=0.05)
    assert frames(predictor(mean), 1.0, seed=1) == frames(predictor(mean), 1.0, seed=1) != frames(predictor(mean), 1.0)


def test_an_item_does_not_depend_on_its_batch() -> None:
    made, short = predictor(), inputs(4, seed=1)
    short.symbols, short.durations = torch.tensor([[1, 2, 0, 0]]), torch.tensor([[1, 2, 0, 0]])
    short.num_symbols = torch.tensor([2])
    together = made(joined(inputs(4), short))
    alone = made(short.item(0))
    for batch, single in zip(together, alone, strict=True):
        torch.testing.assert_close(batch[1, :2], single[0])


def test_the_loss_is_that_of_torch() -> None:
    mean, log_variance, target = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.GaussianNLLLoss(full=True, reduction="none")(mean, target, log_variance.exp())
    torch.testing.assert_close(gaussian_loss(mean, log_variance, target), expected)
