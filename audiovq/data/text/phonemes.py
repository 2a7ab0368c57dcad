"""Phonemes of espeak-ng: the International Phonetic Alphabet, for more than a hundred languages."""

from __future__ import annotations

import logging
import threading
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from audiovq.data.text.config import SPACE, TextError
from audiovq.system.optional import optional_package

# Where the short code of a language is not the name of an espeak-ng voice.
VOICES = {
    "en": "en-us",
    "en_GB": "en-gb",
    "fr": "fr-fr",
    "nn": "nb",
    "no": "nb",
    "pt_BR": "pt-br",
    "sr@ijekavian": "sr",
    "zh": "cmn",
}

_ATTACHED = "ʰʱʲʷˠˤˡⁿʼ˞"  # of the sound before them
# Its Mandarin marks retroflex sounds with a full stop, its Danish has a Greek epsilon; only some voices have ties.
_SPELT_OTHERWISE = {"s.": "ʂ", "z.": "ʐ", "ε": "ɛ", "\u0361": "", "\u035c": ""}
_STRESS = "ˈˌ"
_lock = threading.Lock()  # the library keeps its state in global variables


def voice_of(language: str) -> str:
    """The espeak-ng voice of a language. Raises: TextError if there is none."""
    voice = VOICES.get(language, language)
    known = _voices()
    if voice not in known:
        raise TextError(
            f"espeak-ng has no voice for the language {language!r}; it has {', '.join(sorted(known | set(VOICES)))}"
        )
    return voice


def phonemes(chunks: Sequence[str], language: str) -> list[list[str]]:
    """The symbols of each chunk of words, without punctuation; SPACE stands between words.

    Raises: TextError for a language without voice, ModuleNotFoundError without the extra `text`.
    """
    backend = _backend(voice_of(language))
    with _lock:
        spoken = backend.phonemize(list(chunks))
    return [_symbols(line) for line in spoken]


def _symbols(ipa: str) -> list[str]:
    """One base character each, with what is attached to it; stress and length are symbols of their own."""
    for theirs, ours in _SPELT_OTHERWISE.items():
        ipa = ipa.replace(theirs, ours)
    symbols: list[str] = []
    for character in " ".join(unicodedata.normalize("NFC", ipa).split()):
        category = unicodedata.category(character)
        if category.startswith("M") or character in _ATTACHED:
            if symbols and symbols[-1] not in (SPACE, *_STRESS) and not symbols[-1].endswith(character):
                symbols[-1] += character
        elif character == SPACE or category[0] in "LN" or (category == "Sk" and not character.isascii()):
            symbols.append(character)
    return symbols


@lru_cache
def _backend_class() -> Any:
    """Phonemizer's class, told where the library and its dictionaries are."""
    backends, wrapper, loader = (
        optional_package(name, extra="text")
        for name in ("phonemizer.backend", "phonemizer.backend.espeak.wrapper", "espeakng_loader")
    )
    wrapper.EspeakWrapper.set_library(loader.get_library_path())
    wrapper.EspeakWrapper.set_data_path(loader.get_data_path())
    return backends.EspeakBackend


@lru_cache
def _voices() -> frozenset[str]:
    """Each time it is asked, phonemizer loads the library anew."""
    return frozenset(_backend_class().supported_languages())


@lru_cache
def _backend(voice: str) -> Any:
    silent = logging.getLogger("audiovq.phonemizer")
    silent.setLevel(logging.CRITICAL)  # it warns of each word whose language is another
    return _backend_class()(voice, with_stress=True, language_switch="remove-flags", logger=silent)
