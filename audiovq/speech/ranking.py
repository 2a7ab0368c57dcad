"""Which of several ways to say a piece of text is best: by likelihood, by who understands it, or by whose voice it is.

Source: Razavi et al. 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2, section 3.3 (rejection sampling by a
classifier).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from torch import Tensor

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.text import cer
from audiovq.speech.spoken import Spoken, Voice
from audiovq.tokenizer import ModelError, Tokenizer

Rank = Callable[[Spoken], float]  # higher is better


def ranking(name: str, tokenizer: Tokenizer, voice: Voice) -> Rank:
    """One of RANKINGS, for what is said in a voice.

    Raises: ModelError when the voice has no recording to compare with; AudioError when it cannot be read;
        ModuleNotFoundError naming the extra that is needed.
    """
    if name == "recogniser":
        return by_recogniser(tokenizer, voice.language)
    if name == "similarity":
        if not isinstance(voice.recording, str | os.PathLike):
            raise ModelError(
                "ranking by similarity needs the voice to compare with: a recording as reference or prompt"
            )
        return by_similarity(tokenizer, voice.recording)
    return likelihood


def likelihood(spoken: Spoken) -> float:
    """Nats a code."""
    return spoken.log_probability


def by_recogniser(tokenizer: Tokenizer, language: str, model: str = PACKAGED) -> Rank:
    """Fewer character errors by a recogniser are better; of equals the likelier one.

    Raises: ModuleNotFoundError naming the extra that has the recogniser.
    """
    recogniser = _recogniser(model)

    def rank(spoken: Spoken) -> float:
        sound = tokenizer.decode(spoken.codes)[0]
        try:
            rate = cer(spoken.text, recogniser.transcribe(sound, tokenizer.sample_rate, language)).rate
        except NotMeasurableError:
            rate = 0.0
        return -rate + 1e-6 * spoken.log_probability

    return rank


def by_similarity(tokenizer: Tokenizer, recording: str | os.PathLike[str]) -> Rank:
    """A voice more like that of a recording is better; what is too short to tell counts as a stranger's.

    Raises: AudioError for a recording that cannot be read.
    """
    wave, rate = io.read(recording)
    known = resample(wave[:1], rate, tokenizer.sample_rate)[0]

    def rank(spoken: Spoken) -> float:
        return similarity(known, tokenizer.decode(spoken.codes)[0], tokenizer.sample_rate)

    return rank


def similarity(known: Tensor, sound: Tensor, sample_rate: int) -> float:
    """Of two voices, on as much as there is of both. Shape: (T,), (T',)."""
    length = min(len(known), len(sound))
    try:
        return speaker_similarity(known[:length], sound[:length], sample_rate)
    except NotMeasurableError:
        return 0.0


@cache
def _recogniser(model: str) -> Recogniser:
    return Recogniser(model)
