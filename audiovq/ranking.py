"""Which of several ways to say a piece of text is best: by likelihood, by who understands it, or by whose voice it is.

Source: Razavi et al. 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2, section 3.3 (rejection sampling by a
classifier).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.text import cer
from audiovq.synthesis import Spoken, Synthesizer

RANKINGS = ("likelihood", "recogniser", "similarity")
Rank = Callable[[Spoken], float]  # higher is better


def likelihood(spoken: Spoken) -> float:
    """Nats a code."""
    return spoken.log_probability


def by_recogniser(synthesizer: Synthesizer, language: str, model: str = PACKAGED) -> Rank:
    """Fewer character errors by a recogniser are better; of equals the likelier one.

    Raises: ModuleNotFoundError naming the extra that has the recogniser.
    """
    recogniser = Recogniser(model)

    def rank(spoken: Spoken) -> float:
        sound = synthesizer.tokenizer.decode(spoken.codes)[0]
        try:
            rate = cer(spoken.text, recogniser.transcribe(sound, synthesizer.sample_rate, language)).rate
        except NotMeasurableError:
            rate = 0.0
        return -rate + 1e-6 * spoken.log_probability

    return rank


def by_similarity(synthesizer: Synthesizer, reference: Path) -> Rank:
    """A voice more like that of a recording is better; what is too short to tell counts as a stranger's.

    Raises: AudioError for a recording that cannot be read.
    """
    wave, rate = io.read(reference)
    known = resample(wave[:1], rate, synthesizer.sample_rate)[0]

    def rank(spoken: Spoken) -> float:
        sound = synthesizer.tokenizer.decode(spoken.codes)[0]
        length = min(len(known), len(sound))
        try:
            return speaker_similarity(known[:length], sound[:length], synthesizer.sample_rate)
        except NotMeasurableError:
            return 0.0

    return rank
