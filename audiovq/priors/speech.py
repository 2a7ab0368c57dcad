"""A speech prior: networks that together make all levels of codes from symbols, and how it is saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from audiovq.nn.modules import ModuleList
from audiovq.priors import autoregressive, masked
from audiovq.priors.condition import TextInputs
from audiovq.priors.config import PriorConfig
from audiovq.priors.durations import DurationConfig, DurationPredictor
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom, Sampling


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

    def stretched(self, inputs: TextInputs, sampling: Sampling, item: object = 0) -> tuple[TextInputs, int]:
        """One item's symbols with durations that fill whole coarsest frames, and how many of these.

        Shape: inputs of one item, whatever their durations.
        """
        random = ItemRandom(sampling.seed, item, "durations")
        frames = self.durations[0].frames(inputs, random, sampling.duration_temperature, sampling.speed)
        factor = self.config.networks[0].codes.factors[-1]
        num_coarse = max(1, -(-int(frames.sum()) // factor))
        frames[0, -1] += num_coarse * factor - int(frames.sum())
        return replace(inputs, durations=frames), num_coarse

    def generate(
        self, inputs: TextInputs, num_coarse: int, sampling: Sampling, item: object = 0
    ) -> tuple[list[Tensor], float]:
        """Codes of all levels of one item, and the logarithm of how likely they are, in nats.

        ``item`` is what tells this item from others of the same seed.

        Shape: inputs of one item -> [(K_l, N_l), ...].
        """
        parts = list(self.generate_parts(inputs, num_coarse, sampling, item))
        return [level[0] for codes, _ in parts for level in codes], sum(likely for _, likely in parts)

    def generate_parts(
        self, inputs: TextInputs, num_coarse: int, sampling: Sampling, item: object = 0
    ) -> Iterator[tuple[list[Tensor], float]]:
        """What ``generate`` makes, network by network, as soon as it is made. Shape: -> [(1, K_l, N_l), ...] each."""
        made: list[Tensor] = []
        for network in self.networks:
            random = ItemRandom(sampling.seed, item, network.config.kind, network.config.level)
            layout = network.layout(num_coarse)
            make = masked.fill_in if network.config.kind == "masked" else autoregressive.generate
            part = make(network, layout, inputs, made, sampling, random)
            codes = layout.codes(part.tokens)
            made += codes
            yield codes, part.log_probability


def check_complete(networks: Sequence[PriorConfig]) -> None:
    """Raises: ValueError unless the networks make every level once, coarse first."""
    levels = [level for network in networks for level in network.covered]
    wanted = list(range(networks[0].codes.num_levels)) if networks else []
    if not networks or levels != wanted:
        raise ValueError(f"the networks make the levels {levels}, expected each of {wanted} once, coarse first")
