"""The words of an utterance: one line, of characters that can be printed."""

import unicodedata

_CONTROL, _WITHOUT_MEANING = "Cc", "Cn"  # Unicode's categories


def squeeze(text: str) -> str:
    """The text on one line with single blanks, also in place of control characters."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(character) == _CONTROL else character for character in text)
    return " ".join(text.split())


def can_be_printed(text: str) -> bool:
    """Whether C's iswprint or iswspace holds for all of it: unlike in Python, for marks such as a joiner too."""
    if text.isprintable():
        return True
    return all(
        character.isspace() or unicodedata.category(character) not in (_CONTROL, _WITHOUT_MEANING) for character in text
    )
