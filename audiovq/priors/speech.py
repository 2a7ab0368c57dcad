"""A speech prior: networks that together make all levels of codes from symbols, and how it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from audiovq.nn.int8 import quantise
from audiovq.nn.modules import ModuleList
from audiovq.priors.condition import TextInputs
from audiovq.priors.config import PriorConfig
from audiovq.priors.durations import DurationConfig, DurationPredictor, fitted
from audiovq.priors.generation import Generation, Request
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom, Sampling
from audiovq.priors.scoring import level_nats


@dataclass(kw_only=True)
class Speaker:
    """A voice of the training data, and the language of most of what it says."""

    name: str = ""
    language: str = ""


@dataclass(kw_only=True)
class SpeechPriorConfig:
    """tokenizer: name and hash of the model whose codes it makes. frontend, symbols, languages: as in data.text."""

    tokenizer: str = ""
    frontend: str = "phonemes"
    symbols: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    speakers: list[Speaker] = field(default_factory=list)
    durations: list[DurationConfig] = field(default_factory=list)  # one, or none in a part of a prior
    networks: list[PriorConfig] = field(default_factory=list)


class SpeechPrior(nn.Module):
    """Symbols to durations, and with these to codes: one network makes all levels, or one each, coarse first."""

    def __init__(self, config: SpeechPriorConfig) -> None:
        super().__init__()
        self.config = config
        self.durations = ModuleList[DurationPredictor](DurationPredictor(each) for each in config.durations)
        self.networks = ModuleList[CodeNetwork](CodeNetwork(each) for each in config.networks)

    @torch.inference_mode()
    def stretched(
        self, inputs: TextInputs, sampling: Sampling, item: object = 0, most_coarse: int = 10**6
    ) -> tuple[TextInputs, int]:
        """One item's symbols with durations that fill whole coarsest frames, at most so many, and how many of these.

        Shape: inputs of one item, whatever their durations.
        """
        factor = self.config.networks[0].codes.factors[-1]
        random = ItemRandom(sampling.seed, item, "durations")
        frames = self.durations[0].frames(inputs, random, sampling.duration_temperature, sampling.speed)
        if int(frames.sum()) > most_coarse * factor:
            frames = fitted(frames, most_coarse * factor)
        num_coarse = max(1, -(-int(frames.sum()) // factor))
        frames[0, -1] += num_coarse * factor - int(frames.sum())
        return replace(inputs, durations=frames), num_coarse

    def nats(self, inputs: TextInputs, levels: Sequence[Tensor]) -> list[float]:
        """What an item's codes cost, level by level. Shape: levels [(K_l, N_l), ...].

        Raises: ValueError for a masked prior.
        """
        found = [level_nats(network, inputs, levels) for network in self.networks]
        costs = {level: nats for each in found for level, nats in each.items()}
        return [costs[level] for level in range(len(levels))]

    def quantise(self) -> None:
        """Let what works step by step have bytes for weights: sooner done, nearly as exact, and it learns no more."""
        for network in self.networks:
            if network.transformer.causal:
                quantise(network.transformer)
                quantise(network.heads)

    def begin(self, requests: Sequence[Request], sampling: Sampling) -> Generation:
        """The codes of several items, to be made as far as is asked for at a time."""
        return Generation(list(self.networks), requests, sampling)
