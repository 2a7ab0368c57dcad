import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiovq.data.text import BOUNDARY, TextConfig, TextError, TextFrontend, inventory
from audiovq.data.text.clean import clean, phrases
from audiovq.data.text.phonemes import _backend_class

PHONEMES = TextFrontend(TextConfig())
CHARACTERS = TextFrontend(TextConfig(frontend="characters"))


@pytest.mark.parametrize(
    "language, text, expected",
    [
        ("en", "Hello, world!", "h ə l ˈ o ʊ , | w ˈ ɜ ː l d !"),
        ("en", "3.5", "θ ɹ ˈ i ː | p ɔ ɪ n t | f ˈ a ɪ v"),
        ("en", "Dr. Ray (hi)", "d ˈ ɑ ː k t ɚ | ɹ ˈ e ɪ , | h ˈ a ɪ ,"),
        ("ru", "Пять…", "pʲ ˈ ɑ tʲ …"),
        ("ru", "Microsoft", "m ˈ a ɪ k ɹ ə s ˌ ɒ f t"),  # an English word, without espeak's "(en)"
        ("fr", "« Bonjour »", '" b ɔ̃ ʒ ˈ u ʁ "'),
        ("es", "¿Qué?", "k ˈ e ?"),
        ("el", "κόσμε;", "k ˈ o s m e ?"),
        ("be", "дзень", "d zʲ ˈ ɛ nʲ"),
        ("zh", "是。", "ʂ ˈ i 5 ."),
        ("en_GB", "go 😀", "ɡ ˈ ə ʊ"),
    ],
)
def test_phonemes(language: str, text: str, expected: str) -> None:
    symbols = ["_", *(" " if symbol == "|" else symbol for symbol in expected.split()), "_"]
    assert PHONEMES.symbols(text, language) == symbols


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Straße, Ödön -- e\u0301!", "_straße, ödön— é!_"),
        ("It is 3.5 at 10:30...now", "_it is 3.5 at 10:30… now_"),
        ("5 €, 20 %; you & me", "_5 €, 20 %; you & me_"),
        ("...“quoted” ⛔️ don’t?!", '_…"quoted" don\'t?!_'),
        ("a\u00adb \x00\ud800 c\u200bd", "_ab cd_"),
        ("(one) [two]", "_one, two,_"),
        ("Ｗｉｄｅ１ 𝓗𝓲 ﬁn ½", "_wide1 hi fin ½_"),
    ],
)
def test_characters(text: str, expected: str) -> None:
    assert "".join(CHARACTERS.symbols(text, "de")) == expected


def test_combining_marks_stay_with_their_letter() -> None:
    assert CHARACTERS.symbols("x\u0323\u0301y", "en") == ["_", "x\u0323\u0301", "y", "_"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Mr. J. Smith came. He sat.", [("Mr. J. Smith came", "."), ("He sat", ".")]),
        ("see e.g. this", [("see e.g. this", "")]),
        ("1. ledna. Pak 2. Potom", [("1. ledna", "."), ("Pak 2", "."), ("Potom", "")]),
        ("a , b", [("a", ","), ("b", "")]),
        ("well-known - yes", [("well-known", "—"), ("yes", "")]),
    ],
)
def test_phrases(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(phrases(clean(text))) == expected


@pytest.mark.parametrize("frontend", [PHONEMES, CHARACTERS])
@pytest.mark.parametrize(
    "text, message", [("", "an empty text"), (" \n", "an empty text"), ("😀 ?!", "nothing to speak in '😀 [?]!'")]
)
def test_nothing_to_speak(frontend: TextFrontend, text: str, message: str) -> None:
    with pytest.raises(TextError, match=f"got {message}, expected a text with words"):
        frontend.symbols(text, "en")


def test_unknown_languages_are_named() -> None:
    with pytest.raises(TextError, match="got the language 'fr', expected one that the model knows: en, ru"):
        TextFrontend(TextConfig(languages=["en", "ru"])).symbols("oui", "fr")
    with pytest.raises(TextError, match=r"no voice for the language 'xx'; it has af, .*zh"):
        PHONEMES.symbols("oui", "xx")


def test_numbers_leave_out_and_report_what_is_not_in_the_inventory() -> None:
    frontend = TextFrontend(TextConfig(frontend="characters", symbols=["_", " ", "a", "b"]))
    symbols = frontend.symbols("Abba cad", "en")
    assert frontend.encode("Abba cad", "en") == frontend.numbers(symbols) == [0, 2, 3, 3, 2, 1, 2, 0]
    assert frontend.missing(symbols) == ["c", "d"]
    with pytest.raises(TextError, match="got the symbols c d, none of which the model knows"):
        frontend.encode("cd", "en")


def test_inventory() -> None:
    assert inventory([["_", "b", "_"], ["_", "a", " ", "b", "_"]]) == [BOUNDARY, " ", "a", "b"]


@pytest.mark.parametrize(
    "values, message",
    [({"frontend": "phones"}, "got the front-end 'phones'"), ({"symbols": ["a", "b", "a"]}, "more than once: 'a'")],
)
def test_bad_configs(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TextError, match=message):
        TextConfig(**values)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ModuleNotFoundError, match=r"espeakng_loader: pip install 'audiovq\[text\]'"):
        _backend_class.__wrapped__()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5), st.sampled_from(["en", "ru", "zh", "cs"]))
def test_each_text_alone_gives_what_it_gives_in_a_batch(texts: list[str], language: str) -> None:
    together = PHONEMES.corpus_symbols(texts, language)
    assert [PHONEMES.corpus_symbols([text], language)[0] for text in texts] == together
    for symbols in together:
        assert symbols == [] or (symbols[0] == symbols[-1] == BOUNDARY and BOUNDARY not in symbols[1:-1])
        assert "  " not in "".join(symbols)
