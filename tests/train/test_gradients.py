"""Gradients summed over processes."""

from pathlib import Path

import torch
from torch import nn

from audiovq.system.distributed import rank
from audiovq.train.gradients import sum_gradients
from audiovq.train.launch import launch
from tests.train.processes import run_together


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(()))]


def member(folder: Path) -> None:
    """The first parameter has a gradient on both processes, the second on one, the third on none."""
    launch("cpu")
    mine = parameters()
    mine[0].grad = torch.full((2, 3), 1.0 + rank())
    if rank() == 1:
        mine[1].grad = torch.arange(4.0)
    sum_gradients(mine)
    torch.save([parameter.grad for parameter in mine], folder / f"{rank()}.pt")


def test_every_process_has_the_sum_and_none_stays_none(tmp_path: Path) -> None:
    run_together(2, member, tmp_path)
    for process in range(2):
        first, second, third = torch.load(tmp_path / f"{process}.pt")
        assert torch.equal(first, torch.full((2, 3), 3.0))
        assert torch.equal(second, torch.arange(4.0))
        assert third is None


def test_alone_gradients_stay_as_they_are() -> None:
    mine = parameters()
    mine[0].grad = torch.ones(2, 3)
    sum_gradients(mine)
    assert torch.equal(mine[0].grad, torch.ones(2, 3)) and mine[1].grad is None
