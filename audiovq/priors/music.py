"""A music prior: networks that together make all levels of codes, window by window, and how it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from audiovq.nn.modules import ModuleList
from audiovq.priors.autoregressive import Item
from audiovq.priors.condition import UNKNOWN
from audiovq.priors.config import PriorConfig
from audiovq.priors.generation import at_work
from audiovq.priors.layouts import NOTHING
from audiovq.priors.music_condition import MusicInputs
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom, Sampling
from audiovq.priors.scoring import foreseen, level_nats


@dataclass(kw_only=True)
class MusicPriorConfig:
    """tokenizer: name and hash of the model whose codes it makes. labels: the inventory, in their order."""

    tokenizer: str = ""
    labels: list[str] = field(default_factory=list)
    networks: list[PriorConfig] = field(default_factory=list)


@dataclass(frozen=True)
class Window:
    """What a network makes at one go, in coarsest frames.

    It sees what is between ``start`` and ``end``, and makes what is missing there. From ``end`` to ``judged_to`` comes
    what was given: of several ways to fill a gap, the one is best that it goes on from most likely.
    """

    network: int
    start: int
    end: int
    judged_to: int


class MusicPrior(nn.Module):
    """Labels and timing to codes: one network makes all levels, or one each, coarse first.

    Codes of a whole piece are (K_l, N_l) a level, with NOTHING where there is none yet.
    """

    def __init__(self, config: MusicPriorConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = ModuleList[CodeNetwork](CodeNetwork(each) for each in config.networks)

    @property
    def tempos(self) -> list[int]:
        """The labels that set a beat clock."""
        clocks = [network.config.music.beat_frames for network in self.networks]
        return [label for label in range(len(self.config.labels)) if any(clock and clock[label] for clock in clocks)]

    def plan(self, levels: Sequence[Tensor], num_coarse: int | None = None) -> list[Window]:
        """The windows, in their order, that fill in what is missing of a piece, or of its first frames.

        Each begins half a window before the first code that it makes, so that it goes on from what is there.
        """
        windows = []
        for number, network in enumerate(self.networks):
            factors = network.config.codes.factors
            absent = [missing_frames(levels[level], factors[level]) for level in network.config.covered]
            missing = torch.stack(absent).any(0)[:num_coarse]
            size, at = network.config.music.window_frames, 0
            while len(left := missing[at:].nonzero()):
                first = at + int(left[0])
                start = max(0, first - size // 2)
                at = min(len(missing), start + size)
                last = start + int(missing[start:at].nonzero()[-1])
                after = missing[last + 1 : at].nonzero()
                given = int(after[0]) if len(after) else at - last - 1
                end = at if network.config.kind == "masked" else last + 1
                windows.append(Window(number, start, end, max(end, last + 1 + min(given, size // 4))))
        return windows

    def make(self, window: Window, levels: Sequence[Tensor], labels: Sequence[int], sampling: Sampling) -> list[Tensor]:
        """The codes of a window, those that were given among them.

        What is random about it follows from the seed, the level and the place alone. A gap that codes
        follow is filled ``sampling.candidates`` times, and the filling that fits them best is taken.

        Shape: levels [(K_l, N_l), ...] of the whole piece -> [(K_l, n_l), ...] of the levels that its network makes.
        """
        network = self.networks[window.network]
        if not labels and sampling.guidance != 1:
            sampling = replace(sampling, guidance=1.0)  # there is nothing to be guided to
        candidates = sampling.candidates if window.judged_to > window.end else 1
        made = self._candidates(network, window, levels, labels, sampling, candidates)
        if len(made) == 1:
            return made[0]
        return min(made, key=lambda codes: self._misfit(network, window, levels, labels, codes))

    def nats(self, levels: Sequence[Tensor], labels: Sequence[int] = ()) -> list[float]:
        """What all codes of a whole piece cost, level by level, foreseen in one window after the other.

        Shape: levels [(K_l, N_l), ...]
        Raises: ValueError for a masked prior.
        """
        costs = [0.0] * len(levels)
        for number, network in enumerate(self.networks):
            size, length = network.config.music.window_frames, levels[0].shape[1]
            for start in range(0, length, size):
                window = Window(number, start, min(start + size, length), length)
                inputs, seen = self._inputs(levels, window, labels), self._cut(levels, start, window.end)
                for level, nats in level_nats(network, inputs, seen).items():
                    costs[level] += nats
        return costs

    def _candidates(
        self,
        network: CodeNetwork,
        window: Window,
        levels: Sequence[Tensor],
        labels: Sequence[int],
        sampling: Sampling,
        number: int,
    ) -> list[list[Tensor]]:
        config = network.config
        seen = [part[None] for part in self._cut(levels, window.start, window.end)]
        coarser = [seen[level] for level in config.coarser]
        layout, inputs = network.layout(window.end - window.start), self._inputs(levels, window, labels)
        primer = layout.tokens(seen)
        draws = [ItemRandom(sampling.seed, "music", config.kind, config.level, window.start, n) for n in range(number)]
        work = at_work(network, [Item(layout, inputs, random, primer) for random in draws], sampling)
        work.write(layout.num_coarse, [coarser] * number)
        return [[part[0] for part in layout.codes(work.made(n).tokens)] for n in range(number)]

    @torch.inference_mode()
    def _misfit(
        self,
        network: CodeNetwork,
        window: Window,
        levels: Sequence[Tensor],
        labels: Sequence[int],
        made: Sequence[Tensor],
    ) -> float:
        """Nats that the codes given after a window cost when it is filled in so."""
        covered = network.config.covered
        seen = self._cut(levels, window.start, window.judged_to)[: max(covered) + 1]
        for level, codes in zip(covered, made, strict=True):
            seen[level] = torch.cat([codes, seen[level][:, codes.shape[1] :]], dim=1)
        length = torch.tensor([window.judged_to - window.start])
        inputs, zero = self._inputs(levels, window, labels), torch.zeros(1, dtype=torch.int64)
        costs = foreseen(network, inputs, [part[None] for part in seen], length, zero, window.end - window.start)
        return sum(float(nats) for nats, _ in costs.values())

    def _cut(self, levels: Sequence[Tensor], start: int, end: int) -> list[Tensor]:
        factors = self.networks[0].config.codes.factors
        return [level[:, start * f : end * f] for level, f in zip(levels, factors, strict=True)]

    @staticmethod
    def _inputs(levels: Sequence[Tensor], window: Window, labels: Sequence[int]) -> MusicInputs:
        return MusicInputs(
            torch.tensor([list(labels) or [UNKNOWN]]), torch.tensor([window.start]), torch.tensor([levels[0].shape[1]])
        )


def missing_frames(codes: Tensor, factor: int) -> Tensor:
    """Which coarsest frames lack a code. Shape: (K, N_0 * factor) -> (N_0,) bool."""
    return (codes == NOTHING).any(0).unflatten(0, (-1, factor)).any(1)
