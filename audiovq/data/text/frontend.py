"""The text front-end: symbols and their numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from audiovq.data.text.clean import clean, is_speakable, phrases
from audiovq.data.text.config import BOUNDARY, SPACE, TextConfig, TextError
from audiovq.data.text.phonemes import phonemes, voice_of

_SPOKEN_CATEGORIES = ("L", "M", "N", "Sc", "Sm")
_SPOKEN_OTHERS = "%&@#/°№'-*§.,:"  # the last three inside of numbers and abbreviations
_LEADING_MARKS = '"…—'  # others say nothing before the first word
_SHOWN = 60


class TextFrontend:
    """Symbols of a text: BOUNDARY, words with SPACE between and marks behind them, BOUNDARY.

    With no languages in its config it takes any that there is; with no symbols it has no numbers for them.
    """

    def __init__(self, config: TextConfig) -> None:
        self.config = config
        self._numbers = {symbol: number for number, symbol in enumerate(config.symbols)}

    def symbols(self, text: str, language: str) -> list[str]:
        """All symbols of a text, also those that the inventory has not.

        Raises: TextError for an empty text, one with nothing to speak, or an unknown language.
        """
        found = self.corpus_symbols([text], language)[0]
        if not found:
            shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
            got = f"nothing to speak in {shown!r}" if text.strip() else "an empty text"
            raise TextError(f"got {got}, expected a text with words or numbers: write out what is to be said")
        return found

    def encode(self, text: str, language: str) -> list[int]:
        """The numbers of a text's symbols; see `missing` for those that have none and are left out.

        Raises: TextError as `symbols`, or if nothing but punctuation remains.
        """
        return self.numbers(self.symbols(text, language))

    def numbers(self, symbols: Sequence[str]) -> list[int]:
        """The place of each symbol in the inventory; those that are not there are left out.

        Raises: TextError if nothing but punctuation remains.
        """
        known = [symbol for symbol in symbols if symbol in self._numbers]
        if not any(is_speakable(symbol) for symbol in known):
            raise TextError(
                f"got the symbols {' '.join(self.missing(symbols))}, none of which the model knows: "
                f"check the language; the model knows {' '.join(self.config.symbols)}"
            )
        return [self._numbers[symbol] for symbol in known]

    def missing(self, symbols: Iterable[str]) -> list[str]:
        """Those of the symbols that the inventory has not, sorted: what to warn of."""
        return sorted(set(symbols) - set(self._numbers))

    def corpus_symbols(self, texts: Sequence[str], language: str) -> list[list[str]]:
        """The symbols of many texts at once; none for a text with nothing to speak.

        Raises: TextError for an unknown language.
        """
        self.check_language(language)
        cleaned = [clean(text, language) for text in texts]
        taken_apart = [list(phrases(text)) if is_speakable(text) else [] for text in cleaned]
        chunks = sorted({words for text in taken_apart for words, _ in text if words})
        spell = phonemes if self.config.frontend == "phonemes" else characters
        spelt = dict(zip(chunks, spell(chunks, language), strict=True))
        return [_joined([(spelt.get(words, []), marks) for words, marks in text]) for text in taken_apart]

    def check_language(self, language: str) -> None:
        """Raises: TextError for a language that the model or espeak-ng does not know."""
        known = self.config.languages
        if known and language not in known:
            raise TextError(f"got the language {language!r}, expected one that the model knows: {', '.join(known)}")
        if self.config.frontend == "phonemes":
            voice_of(language)


def characters(chunks: Sequence[str], language: str) -> list[list[str]]:
    """The lower-case letters, digits and signs of each chunk of words; SPACE stands between words."""
    del language
    return [_letters(chunk) for chunk in chunks]


def inventory(symbol_lists: Iterable[Iterable[str]]) -> list[str]:
    """All symbols there are, sorted, BOUNDARY first."""
    found = {symbol for symbols in symbol_lists for symbol in symbols}
    return [BOUNDARY, *sorted(found - {BOUNDARY})]


def _letters(words: str) -> list[str]:
    symbols: list[str] = []
    for character in unicodedata.normalize("NFC", words.lower()):
        category = unicodedata.category(character)
        if category == "Mn" and symbols and symbols[-1] != SPACE:
            symbols[-1] += character
        elif character == SPACE or category.startswith(_SPOKEN_CATEGORIES) or character in _SPOKEN_OTHERS:
            symbols.append(character)
    return symbols


def _joined(parts: Iterable[tuple[list[str], str]]) -> list[str]:
    """BOUNDARY around; a space before all words but the first. Nothing if there are only marks."""
    joined = [BOUNDARY]
    has_words = False
    for symbols, marks in parts:
        if symbols:
            joined += [SPACE, *symbols] if has_words else symbols
            has_words = True
        joined += [mark for mark in marks if has_words or mark in _LEADING_MARKS]
    return [*joined, BOUNDARY] if has_words else []
