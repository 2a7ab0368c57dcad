"""Muon: what its steps are, which weights take them, and that it goes on from a checkpoint."""

from pathlib import Path

import pytest
import torch
from torch import nn

from audiovq.train.config import OptimConfig, RunConfig
from audiovq.train.muon import hidden_matrices, orthogonal
from audiovq.train.task import Trained
from tests.train import toy
from tests.train.test_loop import crash, interrupted, last_state, same


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 5), (1, 5, 40)])
def test_all_directions_come_out_about_as_long(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    made = orthogonal(matrices)
    lengths = torch.linalg.svdvals(made)
    assert lengths.shape[1] == min(shape[1:]) and float(lengths.min()) > 0.5 and float(lengths.max()) < 1.3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    seen_from_theirs = left.mT @ made @ right.mT  # the directions of the matrices themselves
    torch.testing.assert_close(
        seen_from_theirs, torch.diag_embed(seen_from_theirs.diagonal(dim1=1, dim2=2)), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(orthogonal(1e3 * matrices), made, atol=1e-4, rtol=1e-4)
    assert orthogonal(torch.zeros(1, 3, 4)).eq(0).all()


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(6, 4)
        self.inside = nn.Linear(4, 8)
        self.conv = nn.Conv1d(8, 4, 3)
        self.apart = nn.Conv1d(4, 4, 3, groups=4)  # a row for each channel: nothing to make orthogonal
        self.heads = nn.ModuleList([nn.Linear(4, 6)])

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        hidden = self.apart(self.conv(self.inside(self.table(codes)).mT).tanh()).mT
        return self.heads[0](hidden)


def test_only_weights_between_hidden_layers_take_its_steps() -> None:
    torch.manual_seed(2)
    network, other = Network(), Network()
    other.load_state_dict(network.state_dict())
    assert [id(each) for each in hidden_matrices(network)] == [id(network.inside.weight), id(network.conv.weight)]
    ours, adam = (
        Trained(each, OptimConfig(kind=kind, learning_rate=0.01, weight_decay=0.1), 9).optimizer
        for each, kind in ((network, "muon"), (other, "adamw"))
    )
    codes = torch.randint(6, (2, 9))
    before = {name: value.clone() for name, value in network.named_parameters()}
    for each, optimizer in ((network, ours), (other, adam)):
        each(codes).square().mean().backward()
        gradients = {name: value.grad.clone() for name, value in each.named_parameters() if value.grad is not None}
        optimizer.step()
    for (name, value), expected in zip(network.named_parameters(), other.parameters(), strict=True):
        if name in ("inside.weight", "conv.weight"):
            # In its first step momentum and gradient point the same way. Rows are outputs.
            way = orthogonal(gradients[name].flatten(1)[None])[0]
            expected = before[name] * (1 - 0.01 * 0.1) - 0.01 * 0.2 * max(way.shape) ** 0.5 * way.view_as(value)
        torch.testing.assert_close(value, expected)


class WithMuon(toy.ToyTask):
    def __init__(self, config: RunConfig, dropout: float = 0.0) -> None:
        super().__init__(config, dropout)
        optim = OptimConfig(kind="muon", warmup_steps=2)
        self.networks = {**self.networks, "line": Trained(self.model, optim, config.total_steps)}


def test_a_run_that_crashed_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    crashing = type("Crashing", (interrupted(9, crash), WithMuon), {})
    assert toy.run(tmp_path / "whole", 0.3, WithMuon) == 0
    with pytest.raises(KeyboardInterrupt):
        toy.run(tmp_path / "crashed", 0.3, crashing)
    assert toy.run(tmp_path / "crashed", 0.3, WithMuon) == 0
    assert same(last_state(tmp_path / "whole"), last_state(tmp_path / "crashed"))


def test_an_unknown_optimizer_is_named() -> None:
    with pytest.raises(ValueError, match=r"optim.kind is 'sgd', expected one of adamw, muon"):
        OptimConfig(kind="sgd")
