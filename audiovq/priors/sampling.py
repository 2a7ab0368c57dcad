"""From scores to codes: the settings of sampling, and one exact way to draw."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

# What makes a candidate the best: the likeliest codes, the fewest errors of a recogniser, the voice most like another.
RANKINGS = ("likelihood", "recogniser", "similarity")


@dataclass(kw_only=True)
class Sampling:
    """How codes are drawn: the same for the command, the recipes and Python.

    temperature: of the coarsest level; fine_temperature: of the others. 0 takes the likeliest code.
    top_k, top_p, min_p: only the k likeliest codes; the likeliest that make up this share; those at least this likely
    beside the likeliest. Each is off at its default.
    repetition_window, repetition_share: a code that made up this share of the last so many of its codebook is drawn
    again from all codes; a window of 0 is off. Source: Chen et al. 2024, VALL-E 2, section 3.2.
    guidance: how far beyond its condition a prior is pushed, 1 is not at all. Source: Ho & Salimans 2022.
    steps: in which the codes of a level are filled in by a masked prior.
    duration_temperature, speed: how freely durations vary, 0 is not at all; how fast is spoken, 2 is twice as fast.
    max_seconds: what would last longer is said faster, so that nothing is endless.
    candidates, rank_by: so many are made of each sentence, and the best is kept, by RANKINGS.
    batch: how many are made at a time; it changes nothing but the speed.
    seed: with the number of the item it fixes all that is random about it.
    """

    temperature: float = 0.4
    fine_temperature: float = 0.0
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_window: int = 0
    repetition_share: float = 0.5
    guidance: float = 1.5
    steps: int = 1
    duration_temperature: float = 0.0
    speed: float = 1.0
    max_seconds: float = 60.0
    candidates: int = 1
    rank_by: str = "likelihood"
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "temperature",
            "fine_temperature",
            "top_k",
            "repetition_window",
            "guidance",
            "duration_temperature",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 0")
        for name in ("min_p", "repetition_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}, expected above 0, to 1")
        for name in ("steps", "candidates", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.candidates > 1 and not max(self.temperature, self.fine_temperature, self.duration_temperature):
            raise ValueError(f"candidates is {self.candidates}, but at temperatures of 0 all are alike: raise one")
        if not self.max_seconds > 0:
            raise ValueError(f"max_seconds is {self.max_seconds}, expected above 0")
        if self.rank_by not in RANKINGS:
            raise ValueError(f"rank_by is {self.rank_by!r}, expected {', '.join(RANKINGS)}")
        if not 0.2 <= self.speed <= 5:
            raise ValueError(f"speed is {self.speed}, expected 0.2 to 5")


_FIRST = 256  # so many of the likeliest codes are looked at before all are: sorting thousands is slow
_FIRST_OF_MANY = 32  # where a second look at some rows costs less than a longer one at all of them
_MANY_ROWS = 16


class ItemRandom:
    """The random numbers of one item: they do not depend on what else is made, where, or in which order."""

    def __init__(self, seed: int, *parts: object) -> None:
        self._random = random.Random(" ".join(map(str, (seed, *parts))))

    def uniform(self) -> float:
        """Of [0, 1)."""
        return self._random.random()

    def uniforms(self, number: int) -> Tensor:
        """Shape: (number,) float64."""
        return torch.tensor([self._random.random() for _ in range(number)], dtype=torch.float64)


def draw(logits: Tensor, sampling: Sampling, temperature: float, uniforms: Tensor) -> Tensor:
    """The code at which the summed shares of ``candidates`` pass a uniform number of [0, 1).

    A row is drawn to the last bit as if it were alone.

    Shape: logits (..., V), uniforms (...) float64 -> (...) int64.
    """
    if temperature == 0:
        return logits.argmax(-1)
    likely = (logits.float() / temperature).softmax(-1).view(-1, logits.shape[-1])
    numbers, size = uniforms.reshape(-1), logits.shape[-1]
    drawn, left = torch.empty(len(likely), dtype=torch.int64, device=logits.device), torch.arange(len(likely))
    looked_at = size
    if sampling.top_p < 1 and not sampling.top_k:
        looked_at = min(size, _FIRST if len(likely) < _MANY_ROWS else _FIRST_OF_MANY)
    while True:
        codes, shares, enough = candidates(likely, sampling, looked_at)
        sums = shares.cumsum(-1)
        place = torch.searchsorted(sums, (numbers * sums[:, -1])[:, None], right=True)
        # A number so close to 1 that rounding carries it past the end takes the last code that has a share.
        place = place.minimum((shares > 0).sum(-1, keepdim=True) - 1)
        drawn[left] = codes.gather(-1, place)[:, 0]
        if bool(enough.all()):
            return drawn.view(logits.shape[:-1])
        left, likely, numbers, looked_at = left[~enough], likely[~enough], numbers[~enough], min(size, 4 * looked_at)


def candidates(likely: Tensor, sampling: Sampling, looked_at: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of so many of the likeliest codes those that may be drawn, their shares, and whether more had to be looked at.

    Codes come likeliest first; the share of one that may not be drawn is 0. The others' need not sum to 1.

    Shape: likely (R, V), which sums to 1 -> codes (R, n) int64, shares (R, n) float64, (R,) bool, True for "enough".
    Source: Holtzman et al. 2020 (top_p), Fan et al. 2018 (top_k), Nguyen et al. 2024 (min_p).
    """
    values, codes = likely.topk(min(looked_at, sampling.top_k or looked_at), dim=-1)
    shares = values.double()
    sums = shares.cumsum(-1)  # from the likeliest on, one after the other: the same for any number of rows
    total = sums[:, -1:] if sampling.top_k else 1.0
    enough = (sums[:, -1] >= sampling.top_p) | (shares.shape[1] == likely.shape[1]) | bool(sampling.top_k)
    shares = shares.where(sums - shares < sampling.top_p * total, 0.0)
    return codes, shares.where(shares >= sampling.min_p * shares[:, :1], 0.0), enough
