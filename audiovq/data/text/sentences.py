"""Long texts cut into what is spoken at one go."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from audiovq.data.text.clean import is_speakable, stop_is_inside

_CLOSING = r"""["'”’»)\]}」』）》]*"""
_PARAGRAPH_END = re.compile(r"\n\s*\n|[\u2028\u2029\f\v]")
_SENTENCE_END = re.compile(rf"[.!?…]+{_CLOSING}(?=\s)|[。！？｡।؟]+{_CLOSING}")
_GREEK_SENTENCE_END = re.compile(rf"[.!?…;\u037e]+{_CLOSING}(?=\s)")
_CLAUSE_END = re.compile(rf"(?:[.!?…,;:—–]+{_CLOSING}|\))(?=\s)|[。！？｡।؟，、；：]+{_CLOSING}|\s(?=[-—–(]\s?)")
_CONTEXT_CHARACTERS = 40  # of a full stop: the longest word that may be an abbreviation, and more
_JOINER = "\u200d"


def sentences(text: str, language: str | None = None, max_characters: int = 250) -> list[str]:
    """The sentences of a text in their order, those that are too long in clauses, or else in words.

    Only white space between them is lost. What has nothing to speak, like emoji, stays with the sentence before it
    where there is room.
    Raises: ValueError if max_characters is below 1.
    """
    if max_characters < 1:
        raise ValueError(f"got max_characters={max_characters}, expected at least 1")
    pieces: list[str] = []
    for sentence in _whole_sentences(text, language):
        for piece in _cut(sentence, max_characters):
            if pieces and not is_speakable(piece) and len(pieces[-1]) + 1 + len(piece) <= max_characters:
                pieces[-1] += f" {piece}"
            else:
                pieces.append(piece)
    return pieces


def _whole_sentences(text: str, language: str | None) -> Iterator[str]:
    ends = _GREEK_SENTENCE_END if language == "el" else _SENTENCE_END
    for paragraph in _PARAGRAPH_END.split(text):
        start = 0
        for end in ends.finditer(paragraph):
            after = paragraph[end.end() : end.end() + _CONTEXT_CHARACTERS]
            before = paragraph[max(start, end.start() - _CONTEXT_CHARACTERS) : end.start()]
            if after.strip()[:1].islower() or (end[0] == "." and stop_is_inside(before, after)):
                continue  # "Why?" he asked, and Dr. Smith
            yield paragraph[start : end.end()]
            start = end.end()
        yield paragraph[start:]


def _cut(sentence: str, max_characters: int) -> Iterator[str]:
    """At the last clause that fits if it is not tiny, or else the last word, or else anywhere."""
    rest = " ".join(sentence.split())
    while len(rest) > max_characters:
        head = rest[: max_characters + 1]  # with the space that may follow
        clauses = [end.end() for end in _CLAUSE_END.finditer(head) if end.end() <= max_characters]
        if clauses and clauses[-1] > max_characters // 3:
            length = clauses[-1]
        elif " " in head:
            length = head.rindex(" ")
        else:
            length = _whole_characters(head, max_characters)
        yield rest[:length].rstrip()
        rest = rest[length:].lstrip()
    if rest:
        yield rest


def _whole_characters(text: str, length: int) -> int:
    """The length, or a little less where it would part a letter from its accents or an emoji from its kind."""
    for shorter in range(length, 0, -1):
        if not (unicodedata.category(text[shorter])[0] == "M" or _JOINER in text[shorter - 1 : shorter + 1]):
            return shorter
    return length
