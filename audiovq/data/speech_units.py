"""Which symbols of a text last: the parts of an utterance that sound is shared out among."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

SOUND, PAUSE, MARK = "sound", "pause", "mark"
_SPOKEN_SIGNS = "%&@#§*/"


def kind_of(symbol: str) -> str:
    """SOUND: heard, a phoneme or a letter. PAUSE: silence if anything. MARK: of its neighbour, such as stress."""
    categories = {unicodedata.category(character) for character in symbol}
    if categories <= {"Lm", "Sk", "Mn"}:
        return MARK
    if all(category[0] in "PZ" for category in categories) and symbol not in _SPOKEN_SIGNS:
        return PAUSE
    return SOUND


@dataclass(frozen=True, eq=False)
class Units:
    """The sounds of a text and the pauses between them.

    A run of punctuation and spaces is one pause, named after its first symbol, at the end after its last. Marks last
    nothing.

    Shape: places (U,) int64, of each unit among the symbols; optional (U,) bool, the pauses.
    """

    num_symbols: int
    places: np.ndarray
    optional: np.ndarray

    def over_symbols(self, durations: np.ndarray) -> np.ndarray:
        """The units' durations at the places of their symbols, 0 at all others. Shape: (U,) -> (S,)."""
        result = np.zeros(self.num_symbols, np.int64)
        result[self.places] = durations
        return result


def units_of(symbols: Sequence[str]) -> Units:
    """Of an utterance."""
    lasting = [(place, kind) for place, kind in enumerate(map(kind_of, symbols)) if kind != MARK]
    places: list[int] = []
    optional: list[bool] = []
    for kind, run in groupby(lasting, key=lambda pair: pair[1]):
        found = [place for place, _ in run]
        if kind == PAUSE:
            at_end = found[-1] == lasting[-1][0]
            found = [found[-1] if at_end else found[0]]
        places += found
        optional += [kind == PAUSE] * len(found)
    return Units(len(symbols), np.array(places, np.int64), np.array(optional, bool))
