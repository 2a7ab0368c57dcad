"""Random numbers go on where a checkpoint left them."""

import random
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch

from audiovq.train.random_state import random_state, seed_everything, set_random_state


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def draw() -> list[Any]:
    """From every generator; an odd number of normal ones, as their makers draw two and keep one."""
    return [
        random.getrandbits(64),
        random.gauss(0, 1),
        np.random.normal(size=3).tolist(),  # noqa: NPY002
        np.random.randint(1 << 31, size=5).tolist(),  # noqa: NPY002
        torch.randn(3).tolist(),
        torch.rand(100).tolist(),
    ]


@pytest.fixture(autouse=True)
def _others_random_numbers_are_left_alone() -> Any:
    state = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    yield
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.set_rng_state(state[2])


@pytest.mark.parametrize("num_draws_before", [0, 1, 500])
def test_the_same_numbers_follow(num_draws_before: int) -> None:
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    for _ in range(num_draws_before):
        draw()
    state = through_a_file(random_state())
    expected = [draw() for _ in range(300)]
    set_random_state(state)
    assert [draw() for _ in range(300)] == expected


def test_every_device_gets_its_own_state_back(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [torch.full((16,), device, dtype=torch.uint8) for device in range(3)]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: devices)
    state = through_a_file(random_state())
    restored = {}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: restored.update({device: state.tolist()}))
    set_random_state(state)
    assert restored == {0: devices[0].tolist(), 1: devices[1].tolist()}


def test_a_seed_decides_every_generator_and_no_two_processes_draw_the_same() -> None:
    seed_everything(7, rank=1)
    first = draw()
    seed_everything(7, rank=1)
    assert draw() == first
    for seed, rank in ((7, 0), (8, 1)):
        seed_everything(seed, rank)
        assert all(a != b for a, b in zip(draw(), first, strict=True))
