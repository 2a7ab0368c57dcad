import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiovq.priors.sampling import ItemRandom, Sampling, candidates, draw

LOGITS = torch.tensor([0.1, 0.4, 0.2, 0.3]).log()


def shares(settings: Sampling, temperature: float = 1.0, logits: torch.Tensor = LOGITS) -> list[float]:
    """By code."""
    codes, found, _ = candidates((logits / temperature).softmax(-1)[None], settings, len(logits))
    return torch.zeros(len(logits), dtype=torch.float64).scatter(0, codes[0], found[0] / found.sum()).tolist()


def approx(*values: float) -> object:
    return pytest.approx(list(values), abs=1e-6)


def test_settings_by_hand() -> None:
    assert shares(Sampling(top_p=1.0)) == approx(0.1, 0.4, 0.2, 0.3)
    assert shares(Sampling(top_p=1.0), temperature=0.5) == approx(*(p * p / 0.3 for p in (0.1, 0.4, 0.2, 0.3)))
    assert shares(Sampling(top_p=1.0, top_k=2)) == approx(0, 4 / 7, 0, 3 / 7)
    assert shares(Sampling(top_p=0.6)) == approx(0, 4 / 7, 0, 3 / 7)
    assert shares(Sampling(top_p=0.71)) == approx(0, 4 / 9, 2 / 9, 3 / 9)
    assert shares(Sampling(top_p=1.0, min_p=0.6)) == approx(0, 4 / 7, 0, 3 / 7)
    assert int(draw(LOGITS, Sampling(), 0.0, torch.tensor(0.99))) == 1


def test_many_codes_are_all_looked_at_when_that_matters() -> None:
    logits = torch.zeros(2, 1000)
    uniforms = torch.arange(0, 1, 1 / 1024, dtype=torch.float64)
    assert len(draw(logits[:1].expand(1024, -1), Sampling(top_p=0.875), 1.0, uniforms).unique()) == 875
    logits[1, 7] = 20.0
    flat, peak = draw(logits, Sampling(top_p=0.9), 1.0, torch.full((2,), 0.99)).tolist()
    assert flat == int(draw(logits[0], Sampling(top_p=0.9), 1.0, torch.tensor(0.99))) and peak == 7


def test_draws_follow_the_shares() -> None:
    uniforms = torch.arange(0, 1, 0.001, dtype=torch.float64)
    drawn = draw(LOGITS.expand(1000, -1), Sampling(top_p=1.0), 1.0, uniforms)
    assert torch.bincount(drawn, minlength=4).tolist() == pytest.approx([100, 400, 200, 300], abs=1)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 1000))
def test_nothing_without_a_share_is_drawn(uniform: float, seed: int) -> None:
    logits = torch.randn(300, generator=torch.Generator().manual_seed(seed)) * 3
    settings = Sampling(top_p=0.5, min_p=0.1)
    drawn = int(draw(logits, settings, 1.0, torch.tensor(uniform, dtype=torch.float64)))
    assert shares(settings, logits=logits)[drawn] > 0


def test_rows_are_drawn_as_if_alone() -> None:
    logits = torch.randn(40, 500, generator=torch.Generator().manual_seed(0)) * torch.linspace(0, 4, 40)[:, None]
    uniforms = ItemRandom(5).uniforms(40)
    together = draw(logits, Sampling(), 0.7, uniforms)
    assert together.tolist() == [int(draw(row, Sampling(), 0.7, u)) for row, u in zip(logits, uniforms, strict=True)]


def test_random_numbers_belong_to_the_item() -> None:
    assert ItemRandom(1, "a").uniforms(3).tolist() == ItemRandom(1, "a").uniforms(3).tolist()
    assert ItemRandom(1, "a").uniform() != ItemRandom(1, "b").uniform() != ItemRandom(2, "b").uniform()
    many = ItemRandom(0).uniforms(10000)
    assert float(many.mean()) == pytest.approx(0.5, abs=0.01) and float(many.var()) == pytest.approx(1 / 12, abs=0.01)
    assert math.isclose(float(ItemRandom(3).uniforms(1)[0]), ItemRandom(3).uniform())


@pytest.mark.parametrize(
    "name, value", [("top_p", 0.0), ("min_p", 1.5), ("temperature", -1.0), ("steps", 0), ("top_k", -1)]
)
def test_senseless_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Sampling(**{name: value})  # type: ignore[arg-type]


def test_many_random_numbers_are_those_drawn_one_by_one() -> None:
    many, single = ItemRandom(1, "x"), ItemRandom(1, "x")
    for number in (10, 5000, 4000):
        assert many.uniforms(number).tolist() == [single.uniform() for _ in range(number)]


def test_candidates_that_would_be_alike_are_refused() -> None:
    alike = {"temperature": 0.0, "fine_temperature": 0.0}
    with pytest.raises(ValueError, match="at temperatures of 0 all are alike"):
        Sampling(**alike, candidates=2)  # type: ignore[arg-type]
    for name in (*alike, "duration_temperature"):
        Sampling(**(alike | {name: 0.1}), candidates=2)  # type: ignore[arg-type]
