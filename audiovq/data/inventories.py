"""What a network that reads text knows: lists in which each name has its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

UNKNOWN = ""  # first in each list: whatever is not there later


@dataclass(kw_only=True)
class Inventories:
    """A name's place in its list is its number; the first place is for all that are not there."""

    symbols: list[str] = field(default_factory=lambda: [UNKNOWN])
    speakers: list[str] = field(default_factory=lambda: [UNKNOWN])
    languages: list[str] = field(default_factory=lambda: [UNKNOWN])

    def __post_init__(self) -> None:
        self._numbers = {
            kind: {name: number for number, name in enumerate(getattr(self, kind))}
            for kind in ("symbols", "speakers", "languages")
        }

    @classmethod
    def collect(cls, symbols: Iterable[str], speakers: Iterable[str], languages: Iterable[str]) -> Inventories:
        """Of all names that there are, sorted."""
        lists = ([UNKNOWN, *sorted(set(names) - {UNKNOWN})] for names in (symbols, speakers, languages))
        return cls(**dict(zip(("symbols", "speakers", "languages"), lists, strict=True)))

    def symbol(self, name: str) -> int:
        """The number of a symbol, 0 if it has none."""
        return self._numbers["symbols"].get(name, 0)

    def speaker(self, name: str) -> int:
        """The number of a speaker, 0 if it has none."""
        return self._numbers["speakers"].get(name, 0)

    def language(self, name: str) -> int:
        """The number of a language, 0 if it has none."""
        return self._numbers["languages"].get(name, 0)
