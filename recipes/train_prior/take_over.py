"""What a new run takes over of a trained prior: the part that it trains, with rows of inventories by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Inventory:
    """What the rows of an embedding stand for, in the new prior and in the trained one."""

    own: Sequence[str]
    known: Sequence[str]


def take_over(own: nn.Module, known: nn.Module, inventories: Mapping[str, Inventory]) -> str:
    """Give ``own`` the weights of ``known`` as far as they fit; what was done, in words.

    The rows of an embedding that ``inventories`` names are those of the same symbols, speakers and so on, wherever they
    stand; what the trained prior does not know begins with the mean of what it knows.
    """
    weights, values = own.state_dict(), known.state_dict()
    fitting = {}
    for name, value in weights.items():
        inventory = inventories.get(name.removesuffix(".weight").rpartition(".")[2])
        if name not in values:
            continue
        if inventory is not None and name.endswith(".weight") and value.shape[1] == values[name].shape[1]:
            fitting[name] = _rows(values[name], inventory)
        elif value.shape == values[name].shape:
            fitting[name] = values[name]
    own.load_state_dict(fitting, strict=False)
    new = [
        f"{len(missing)} new {what} ({', '.join(missing)})"
        for what, inventory in inventories.items()
        if (missing := [name for name in inventory.own if name not in inventory.known])
    ]
    return ", ".join([f"{len(fitting)} of {len(weights)} tensors fit", *new])


def _rows(table: Tensor, inventory: Inventory) -> Tensor:
    """Shape: (known, D) -> (own, D)."""
    places = {name: place for place, name in enumerate(inventory.known)}
    mean = table[: len(places)].mean(0)
    return torch.stack([table[places[name]] if name in places else mean for name in inventory.own])
