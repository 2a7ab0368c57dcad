"""Character and word error rates of what a recogniser heard."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from audiovq.metrics.checks import NotMeasurableError
from audiovq.system.optional import optional_package

_APOSTROPHES = "'\u2019\u02bc`"
_STRESS_MARKS = "+\u0301"  # Russian texts mark stress with these inside words
_YO = str.maketrans({"\u0451": "\u0435"})  # Russian print writes both for the same sound


@dataclass(frozen=True)
class Errors:
    """Substitutions, deletions and insertions against the length of the reference, so that many texts add up."""

    num_errors: int
    num_reference: int

    @property
    def rate(self) -> float:
        """0 and up (above 1 with many insertions), lower is better, a share."""
        return self.num_errors / self.num_reference

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.num_errors + other.num_errors, self.num_reference + other.num_reference)


def normalise(text: str) -> str:
    """Lower case without punctuation, apostrophes and stress marks; single spaces. Digits and accents stay."""
    kept = []
    for letter in unicodedata.normalize("NFKC", text).lower():
        if letter in _APOSTROPHES or letter in _STRESS_MARKS:
            continue
        kept.append(" " if unicodedata.category(letter)[0] in "PSZC" else letter)
    return " ".join("".join(kept).translate(_YO).split())


def cer(reference: str, hypothesis: str) -> Errors:
    """Character errors (spaces count) of normalised texts; the rate is 0 and up, lower is better.

    Raises: NotMeasurableError when the reference has no letters.
    Source: Levenshtein 1966, by the package jiwer.
    """
    return _errors(reference, hypothesis, "process_characters")


def wer(reference: str, hypothesis: str) -> Errors:
    """Word errors of normalised texts; the rate is 0 and up, lower is better.

    Raises: NotMeasurableError when the reference has no words.
    Source: Levenshtein 1966, by the package jiwer.
    """
    return _errors(reference, hypothesis, "process_words")


TEXT_METRICS: dict[str, Callable[[str, str], Errors]] = {"cer": cer, "wer": wer}


def _errors(reference: str, hypothesis: str, function: str) -> Errors:
    expected = normalise(reference)
    if not expected:
        raise NotMeasurableError(f"an error rate needs a text to compare with, got {reference!r}")
    output = getattr(optional_package("jiwer"), function)(expected, normalise(hypothesis))
    num_reference = output.hits + output.substitutions + output.deletions
    return Errors(output.substitutions + output.deletions + output.insertions, num_reference)
