"""A prior learns on whatever device it is: nothing that it makes on the way lies on another."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from audiovq.priors import scoring
from audiovq.priors.condition import TextInputs
from audiovq.priors.durations import DurationConfig, DurationPredictor
from audiovq.priors.layouts import Layout
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom
from tests.device import ELSEWHERE, moved, pretended
from tests.priors import tiny

N = 4


def inputs() -> TextInputs:
    def whole(*shape: int) -> Tensor:
        return torch.ones(*shape, dtype=torch.int64, device=ELSEWHERE)

    voices, dropped = torch.zeros(2, 4, device=ELSEWHERE), torch.zeros(2, dtype=torch.bool, device=ELSEWHERE)
    return TextInputs(whole(2, 3), whole(2), whole(2, 3), whole(2), whole(2), voices, dropped)


def all_of_book(
    network: CodeNetwork, hidden: Tensor, tokens: Tensor, asked: Tensor, layout: Layout, book: int
) -> tuple[Tensor, Tensor]:
    """As scoring's own, but without picking positions by value."""
    return network.logits(hidden, book).sum(), (tokens * (asked & (layout.book == book))).sum()


@pytest.mark.parametrize("kind,level", [("cascade", 0), ("cascade", 2), ("flat", 0), ("masked", 2)])
def test_codes_are_foreseen_where_the_network_is(kind: str, level: int) -> None:
    network = CodeNetwork(tiny.config(kind, level)).train()
    with pretended(), patch.object(scoring, "_of_book", all_of_book):
        moved(network)
        codes = [
            torch.zeros(2, books, N * factor, dtype=torch.int64, device=ELSEWHERE)
            for factor, books in zip(tiny.LEVELS.factors, tiny.LEVELS.num_codebooks, strict=True)
        ]
        needed = codes[: max(network.config.covered) + 1]
        num_coarse = torch.full((2,), N, device=ELSEWHERE)
        found = scoring.foreseen(network, inputs(), needed, num_coarse, [ItemRandom(0), ItemRandom(1)])
        assert all(part.device == ELSEWHERE for parts in found.values() for part in parts)


def test_durations_are_foreseen_where_the_network_is() -> None:
    predictor = DurationPredictor(DurationConfig(condition=tiny.CONDITION))
    with pretended():
        moved(predictor)
        assert predictor.frames(inputs(), ItemRandom(0), temperature=0.0, speed=1.0).device == ELSEWHERE
