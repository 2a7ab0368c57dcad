"""All levels of codes of several items, network by network, as far as is asked for at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.priors.autoregressive import Item, Made, Writer
from audiovq.priors.masked import fill_in
from audiovq.priors.network import CodeNetwork, Inputs
from audiovq.priors.sampling import ItemRandom, Sampling


@dataclass
class Request:
    """What is to be made of one item: in the light of what, how many coarsest frames, and what tells it from others.

    ``prompt`` holds the codes of the first frames, which are given.

    Shape: inputs of one item, prompt [(K_l, P_l), ...].
    """

    inputs: Inputs
    num_coarse: int
    item: object = 0
    prompt: Sequence[Tensor] | None = None

    @property
    def num_given(self) -> int:
        """Coarsest frames of the prompt."""
        return 0 if self.prompt is None else self.prompt[0].shape[1]


class Makes(Protocol):
    """The way of one network, as Writer has it."""

    def needed(self, end: int) -> int: ...

    def write(self, end: int, coarser: Sequence[Sequence[Tensor]]) -> None: ...

    def made(self, number: int) -> Made: ...


class Generation:
    """Networks at work, coarse first. What becomes of an item depends neither on others nor on what is asked for when.

    Raises: ValueError for prompts of several lengths.
    """

    def __init__(self, networks: Sequence[CodeNetwork], requests: Sequence[Request], sampling: Sampling) -> None:
        self.requests = requests
        self._networks = list(networks)
        self._layouts = [[network.layout(request.num_coarse) for request in requests] for network in networks]
        self._reached = [0] * len(self._networks)
        self._work: list[Makes] = []
        for network, layouts in zip(networks, self._layouts, strict=True):
            config = network.config
            items = [
                Item(
                    layout,
                    request.inputs,
                    ItemRandom(sampling.seed, request.item, config.kind, config.level),
                    None if request.prompt is None else layout.tokens(*_padded(request)),
                )
                for layout, request in zip(layouts, requests, strict=True)
            ]
            self._work.append(at_work(network, items, sampling))

    @property
    def num_coarse(self) -> int:
        """Of the longest item."""
        return max(request.num_coarse for request in self.requests)

    @property
    def covered(self) -> list[tuple[int, ...]]:
        """The levels that each network makes."""
        return [network.config.covered for network in self._networks]

    def reach(self, number: int, end: int) -> None:
        """Make what is missing of the first ``end`` coarsest frames of a network's levels, and what that needs."""
        if end <= self._reached[number]:
            return
        if number > 0:
            self.reach(number - 1, min(self._work[number].needed(end), self.num_coarse))
        self._work[number].write(end, [self._codes(at, number) for at in range(len(self.requests))])
        self._reached[number] = end

    def finish(self) -> None:
        """Make all that is missing."""
        for number in range(len(self._networks)):
            self.reach(number, self.num_coarse)

    def codes(self, number: int) -> list[Tensor]:
        """An item's codes of all levels after the prompt, 0 where there are none yet. Shape: -> [(K_l, N_l), ...]."""
        levels, given = self._networks[0].config.codes, self.requests[number].num_given
        made = self._codes(number, len(self._networks))
        return [level[0, :, given * f :] for level, f in zip(made, levels.factors, strict=True)]

    def log_probability(self, number: int) -> float:
        """Of the codes of an item that were made so far, in nats."""
        return sum(work.made(number).log_probability for work in self._work)

    def _codes(self, item: int, num_networks: int) -> list[Tensor]:
        """Of the levels of the first networks. Shape: -> [(1, K_l, N_l), ...]."""
        parts = zip(self._work[:num_networks], self._layouts, strict=False)
        return [level for work, layouts in parts for level in layouts[item].codes_so_far(work.made(item).tokens)]


def at_work(network: CodeNetwork, items: Sequence[Item], sampling: Sampling) -> Makes:
    """A network of any kind at work on items."""
    return (Filler if network.config.kind == "masked" else Writer)(network, items, sampling)


class Filler:
    """A masked network at work on items: all of its codes at once, as soon as any are asked for."""

    def __init__(self, network: CodeNetwork, items: Sequence[Item], sampling: Sampling) -> None:
        self.network, self.items, self.sampling = network, items, sampling
        self._made: list[Made] = []

    def needed(self, end: int) -> int:
        """Coarsest frames of the coarser codes that it must be given: all."""
        return max(item.layout.num_coarse for item in self.items)

    def write(self, end: int, coarser: Sequence[Sequence[Tensor]]) -> None:
        """Make all that is missing, whatever ``end``. Shape: coarser of each item [(1, K_l, N_l), ...]."""
        self._made = self._made or [
            fill_in(self.network, item.layout, item.inputs, codes, self.sampling, item.random, item.primer)
            for item, codes in zip(self.items, coarser, strict=True)
        ]

    def made(self, number: int) -> Made:
        """As Writer's."""
        if self._made:
            return self._made[number]
        item = self.items[number]
        empty = torch.full((1, *item.layout.index.shape), -1)
        return Made(empty if item.primer is None else item.primer)


def _padded(request: Request) -> tuple[list[Tensor], Tensor]:
    """A prompt's codes with any after them, and how many coarsest frames are given. Shape: -> [(1, K_l, N_l), ...]."""
    prompt, given = request.prompt or [], request.num_given
    codes = [F.pad(level.long(), (0, (request.num_coarse - given) * level.shape[1] // given))[None] for level in prompt]
    return codes, torch.tensor([given])
