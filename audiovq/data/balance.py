"""Sampling that hears small voices and languages more often than their share of the recordings."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lhotse import CutSet
from lhotse.cut import Cut


@dataclass(kw_only=True)
class BalanceConfig:
    """Powers: 0 hears a voice or language by its hours, 1 all alike, what lies between by hours ** (1 - power)."""

    voices: float = 0.0
    languages: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.voices <= 1 and 0 <= self.languages <= 1):
            raise ValueError(f"expected powers of 0 to 1, got voices={self.voices} languages={self.languages}")


def repeats(cuts: Iterable[Cut], config: BalanceConfig) -> dict[tuple[str, str], float]:
    """How often each (language, voice) is heard an epoch, on average: the seconds of an epoch stay what they are.

    A voice's share is that of its language times its own in it.
    """
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    of_language: defaultdict[str, float] = defaultdict(float)
    for cut in cuts:
        key = language_and_voice(cut)
        seconds[key] += cut.duration
        of_language[key[0]] += cut.duration
    in_language: defaultdict[str, float] = defaultdict(float)
    for (language, _), own in seconds.items():
        in_language[language] += own ** (1 - config.voices)
    all_languages = sum(own ** (1 - config.languages) for own in of_language.values())
    return {
        (language, voice): (of_language[language] ** (1 - config.languages) / all_languages)
        * (own ** (1 - config.voices) / in_language[language])
        * sum(of_language.values())
        / own
        for (language, voice), own in seconds.items()
    }


def balanced(cuts: CutSet, config: BalanceConfig, seed: int, epoch: int) -> CutSet:
    """Each cut as often as is due, the fraction drawn anew each epoch.

    Copies have ids, and so random numbers, of their own.
    """
    if config.voices == config.languages == 0:
        return cuts
    due = repeats(cuts, config)
    return CutSet.from_cuts(
        cut if number == 0 else cut.with_id(f"{cut.id}-again{number}")
        for cut in cuts
        for number in range(_number(due[language_and_voice(cut)], f"{seed} {epoch} {cut.id} balance"))
    )


def language_and_voice(cut: Cut) -> tuple[str, str]:
    """Empty where nothing is known."""
    if not cut.supervisions:
        return "", ""
    return cut.supervisions[0].language or "", cut.supervisions[0].speaker or ""


def _number(due: float, draw: str) -> int:
    whole = int(due)
    return whole + (random.Random(draw).random() < due - whole)
