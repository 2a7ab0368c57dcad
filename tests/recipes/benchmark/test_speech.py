"""Systems that speak, scored: the sums, the resuming, what is missing, and espeak-ng for real."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor

from recipes.benchmark.codec import NotAvailableError
from recipes.benchmark.sentences import Sentence
from recipes.benchmark.speech import compare_speech, speech_text
from recipes.benchmark.voices import EspeakNg


class Stand:
    """Half a second of noise for any text."""

    name = "Stand-in"
    sample_rate = 800

    def __init__(self) -> None:
        self.said: list[str] = []

    def speak(self, text: str) -> Tensor:
        self.said.append(text)
        return 0.1 * torch.randn(1, 400, generator=torch.Generator().manual_seed(len(text)))


def nowhere() -> Stand:
    raise NotAvailableError("the package x is not installed", "pip install x")


def test_scores_add_up_and_are_kept(tmp_path: Path) -> None:
    sentences = [Sentence("a/1", "abcd"), Sentence("a/2", "abcdefgh")]
    heard = iter(["abcx", "abcdefgh"])
    stand = Stand()
    results = compare_speech(
        {"stand": lambda: stand, "none": nowhere},
        sentences,
        "en",
        tmp_path,
        lambda wave, rate, language: next(heard),
        lambda reference, wave, rate: 3.0,
    )
    (row,) = results["systems"]
    assert row["cer"]["mean"] == pytest.approx(1 / 12) and row["distillmos"]["mean"] == 3.0
    assert row["seconds"] == 1.0 and row["num_sentences"] == 2
    assert stand.said == ["abcd", "abcd", "abcdefgh"]  # the first of them warms up
    assert soundfile.info(tmp_path / "stand" / "a_2.wav").frames == 400
    text = speech_text(results)
    assert "| Stand-in | 2 | 0.083 [" in text and "- not measured: none: the package x" in text
    again = Stand()
    assert compare_speech({"stand": lambda: again}, sentences, "en", tmp_path, lambda *_: "")["systems"] == [row]
    assert again.said == []


def test_espeak_says_the_whole_text_and_nothing_of_the_one_before() -> None:
    system = EspeakNg("en-us")
    short, long = (system.speak(text) for text in ("Yes.", "Yes, and this sentence is a good deal longer."))
    assert system.sample_rate == 22050 and 0.2 < short.shape[1] / 22050 < 2 and long.shape[1] > 2 * short.shape[1]
    assert 0.05 < float(short.abs().max()) <= 1.0
    assert abs(system.speak("Yes.").shape[1] - short.shape[1]) < 2205
