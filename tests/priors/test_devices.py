"""A prior learns on whatever device it is: nothing that it makes on the way lies on another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from audiovq.priors import scoring
from audiovq.priors.condition import TextInputs
from audiovq.priors.durations import DurationConfig, DurationPredictor
from audiovq.priors.sampling import ItemRandom
from tests.device import ELSEWHERE, moved, pretended
from tests.priors import tiny

N = 4


def inputs() -> TextInputs:
    def whole(*shape: int) -> Tensor:
        return torch.ones(*shape, dtype=torch.int64, device=ELSEWHERE)

    voices, dropped = torch.zeros(2, 4, device=ELSEWHERE), torch.zeros(2, dtype=torch.bool, device=ELSEWHERE)
    return TextInputs(whole(2, 3), whole(2), whole(2, 3), whole(2), whole(2), voices, dropped)


@pytest.mark.parametrize("reads", ["text", "music"])
@pytest.mark.parametrize("kind, level", [("cascade", 0), ("cascade", 2), ("masked", 2), ("flat", 0)])
def test_a_step_of_training_neither_waits_for_its_device_nor_leaves_it(
    reads: str, kind: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the device "meta" there are no values to wait for: reading one is an error, as is mixing devices."""
    network = (tiny.network if reads == "text" else tiny.music_network)(kind, level).train()
    elsewhere, meta = network.layout(N), torch.device("meta")
    network.to(meta)
    given = [part.to(meta) for part in tiny.codes(N, batch=2)[: max(network.config.covered) + 1]]
    num_coarse, seeds = torch.tensor([N, N - 1], device=meta), torch.tensor([1, 2], device=meta)
    asked = tiny.inputs(N) if reads == "text" else tiny.music_inputs()
    parts = {name: part for name, part in vars(asked).items() if part is not None}
    there = replace(asked, **{name: part.repeat_interleave(2, 0).to(meta) for name, part in parts.items()})

    def step() -> None:
        scores = scoring.foreseen(network, there, given, num_coarse, seeds)
        torch.stack([nats for nats, _ in scores.values()]).sum().backward()

    step()
    monkeypatch.setattr(network, "layout", lambda _: elsewhere)
    with pytest.raises(RuntimeError, match="device"):
        step()


def test_durations_are_foreseen_where_the_network_is() -> None:
    predictor = DurationPredictor(DurationConfig(condition=tiny.CONDITION))
    with pretended():
        moved(predictor)
        assert predictor.frames(inputs(), ItemRandom(0), temperature=0.0, speed=1.0).device == ELSEWHERE
