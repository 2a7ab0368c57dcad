"""A music prior: networks that together make all levels of codes, and how it is saved."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from audiovq.nn.modules import ModuleList
from audiovq.priors.config import PriorConfig
from audiovq.priors.network import CodeNetwork


@dataclass(kw_only=True)
class MusicPriorConfig:
    """tokenizer: name and hash of the model whose codes it makes. labels: the inventory, in their order."""

    tokenizer: str = ""
    labels: list[str] = field(default_factory=list)
    networks: list[PriorConfig] = field(default_factory=list)


class MusicPrior(nn.Module):
    """Labels and timing to codes: one network makes all levels, or one each, coarse first."""

    def __init__(self, config: MusicPriorConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = ModuleList[CodeNetwork](CodeNetwork(each) for each in config.networks)
