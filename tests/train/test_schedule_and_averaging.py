"""The learning rate and the averaged weights, by hand."""

import pytest
import torch
from torch import nn

from audiovq.train.averaging import WeightAverage
from audiovq.train.schedule import warmup_cosine


def rate(step: int) -> float:
    return warmup_cosine(step, peak=1.0, final=0.1, warmup_steps=10, total_steps=110)


def test_warmup_rises_in_even_steps() -> None:
    assert [rate(step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])


def test_cosine_falls_from_peak_to_final() -> None:
    assert [rate(step) for step in (10, 60, 110, 500)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert all(rate(step) >= rate(step + 1) for step in range(10, 120))


class Tiny(nn.Module):
    count: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("count", torch.tensor(0))


def test_average_follows_a_loop() -> None:
    model = Tiny()
    average = WeightAverage(model, decay=0.5)
    expected = 0.0
    for step in range(1, 6):
        model.weight.data.fill_(step)
        model.count.fill_(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        average.update(model)
        assert float(average.weights["weight"]) == pytest.approx(expected)
        assert int(average.weights["count"]) == step


def test_average_goes_on_from_its_state() -> None:
    model = Tiny()
    first = WeightAverage(model, decay=0.9)
    model.weight.data.fill_(3.0)
    first.update(model)
    second = WeightAverage(Tiny(), decay=0.9)
    second.load_state_dict(first.state_dict())
    model.weight.data.fill_(5.0)
    for average in (first, second):
        average.update(model)
    assert torch.equal(first.weights["weight"], second.weights["weight"])
