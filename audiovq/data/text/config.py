"""What a model knows of text: its symbols and languages."""

from __future__ import annotations

from dataclasses import dataclass, field

BOUNDARY = "_"  # the silence before and after
SPACE = " "  # between words
FRONTENDS = ("phonemes", "characters")


class TextError(ValueError):
    """A text that cannot be spoken, or a language that is not known; the message says what can be done."""


@dataclass(kw_only=True)
class TextConfig:
    """How text becomes symbols, and which there are."""

    frontend: str = "phonemes"  # or characters
    symbols: list[str] = field(default_factory=list)  # the inventory: a symbol's place in it is its number
    languages: list[str] = field(default_factory=list)  # those the model knows

    def __post_init__(self) -> None:
        """Raises: TextError for a front-end that there is not, or a symbol that is there twice."""
        if self.frontend not in FRONTENDS:
            raise TextError(f"got the front-end {self.frontend!r}, expected one of {', '.join(FRONTENDS)}")
        if len(set(self.symbols)) != len(self.symbols):
            twice = sorted({symbol for symbol in self.symbols if self.symbols.count(symbol) > 1})
            raise TextError(f"these symbols are in the inventory more than once: {' '.join(map(repr, twice))}")
