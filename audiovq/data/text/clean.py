"""Text without what nobody speaks, taken apart into words and the punctuation after them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MARKS = '.,;:!?…—"'  # the punctuation that stays, since it carries pauses and intonation

_SAME_AS = str.maketrans(
    {
        **dict.fromkeys("。｡．।", ". "),
        **dict.fromkeys("，、､，،", ", "),
        **dict.fromkeys("；؛", "; "),
        **dict.fromkeys("？؟", "? "),
        "：": ": ",
        "！": "! ",
        "…": "… ",
        **dict.fromkeys("“”„‟«»「」『』《》〝〞＂", '"'),
        **dict.fromkeys("’‘‛`´ʼ＇", "'"),
        **dict.fromkeys("–―−", "—"),
        **dict.fromkeys("‐‑", "-"),
        **dict.fromkeys("（【〔", "("),
        **dict.fromkeys("）】〕", ")"),
    }
)
_DRESSED = ("<font>", "<wide>", "<narrow>", "<circle>")
_SPOKEN_SIGNS = "°№"  # of one class with the emoji, and yet words
_JOINERS = "\u200c\u200d"  # letters take other shapes around them
_EMOJI_PARTS = re.compile("[\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_UNSPOKEN = ("C", "Z", "So", "Sk")

# One mark. Full stops, commas and colons inside of words and numbers are left to those: e.g, 3.5, 1,000, 10:30.
_MARK = r'[!?;…"—()\[\]{}¡¿]|\.{2,}|,(?!\d)|:(?!\d)|\.(?!\w)|(?<!\S)[.,:](?!\d)|--+|(?<!\S)-(?!\S)'
_MARKS_IN_A_ROW = re.compile(rf"(?:\s*(?:{_MARK}))+")
_ONE_MARK = re.compile(_MARK)
_PAUSES = {**dict.fromkeys("()[]{}", ","), **dict.fromkeys("¡¿", "")}

# Before a full stop that ends no sentence.
_ABBREVIATIONS = (
    "mr mrs ms dr prof st jr sr vs cf approx capt sgt lt gen rev hon fig vol ed eds "  # English
    "mme mlle mm "  # French
    "hr fr nr bzw ca evtl ggf inkl "  # German
    "dhr mevr bijv bv "  # Dutch
    "sra srta dra ud uds "  # Spanish
    "sig dott ing avv "  # Italian
    "ул руб коп акад проф "  # Russian
    "např tzv tj str mudr judr phdr"  # Czech
)
_IS_ABBREVIATION = frozenset(_ABBREVIATIONS.split())
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")


def clean(text: str, language: str | None = None) -> str:
    """Composed, with usual punctuation, without emoji and control characters; one space where there were any."""
    text = _EMOJI_PARTS.sub("", unicodedata.normalize("NFC", text)).translate(_SAME_AS)
    text = "".join(map(_plain, text))
    if language == "el":
        text = text.replace(";", "?")  # the Greek question mark
    kept: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        joins = character in _JOINERS and kept and unicodedata.category(kept[-1])[0] in "LM"
        if joins or character in _SPOKEN_SIGNS or not category.startswith(_UNSPOKEN):
            kept.append(character)
        elif category != "Cf":  # soft hyphens and marks of direction stand inside of words
            kept.append(" ")
    return " ".join("".join(kept).split())


def _plain(character: str) -> str:
    """The usual form of full-width, bold and script letters and of ligatures."""
    is_dressed = unicodedata.decomposition(character).startswith(_DRESSED) or "\ufb00" <= character <= "\ufb06"
    return unicodedata.normalize("NFKC", character) if is_dressed else character


def is_speakable(text: str) -> bool:
    """Whether there is a letter or a number in it."""
    return any(character.isalnum() for character in text)


def phrases(cleaned: str) -> Iterator[tuple[str, str]]:
    """Words and the marks after them, in the order of the text; either may be empty."""
    words, position = "", 0
    for run in _MARKS_IN_A_ROW.finditer(cleaned):
        words += cleaned[position : run.start()]
        position = run.end()
        if run[0] == "." and stop_is_inside(words, cleaned[position : position + 2]):
            words += "."
        else:
            yield words.strip(), _normal_marks(run[0])
            words = ""
    words += cleaned[position:]
    if words.strip():
        yield words.strip(), ""


def stop_is_inside(before: str, after: str) -> bool:
    """Whether a full stop between the two belongs to an abbreviation, an initial or an ordinal number."""
    following = after.strip()[:1]
    words = before.split()
    if not following or not words:
        return False
    word = words[-1].strip("\"'([{")
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    if is_initial or word.casefold() in _IS_ABBREVIATION or _DOTTED.fullmatch(word):
        return True
    return word[-1:].isdigit() and following.islower()


def _normal_marks(run: str) -> str:
    """Each kind of mark once; a comma only when it is alone."""
    found: dict[str, None] = {}
    for mark in _ONE_MARK.findall(run):
        normal = "…" if mark.startswith("..") else "—" if mark[0] in "-—" else _PAUSES.get(mark, mark)
        found[normal] = None
    found.pop("", None)
    if set(found) - {",", '"'}:
        found.pop(",", None)
    return "".join(found)
