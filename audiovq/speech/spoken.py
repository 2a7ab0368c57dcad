"""Who speaks, and what was spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from audiovq.codes import Codes
from audiovq.tokenizer import Audio


@dataclass(frozen=True)
class Prompt:
    """A recording to go on from: the symbols of what is said in it, how long they last, and its codes.

    Shape: durations (1, S) frames of the finest level; levels (K_l, N_l) each, of whole coarsest frames.
    """

    symbols: Sequence[int]
    durations: Tensor
    levels: Sequence[Tensor]


@dataclass(frozen=True)
class Voice:
    """Who speaks, in which language: a speaker that the prior knows, or the features of any recorded voice.

    ``recording`` is one of the voice, to compare with; speech goes on from ``prompt``.

    Shape: features (F,), zeros for a known speaker.
    """

    speaker: int
    language: str
    features: Tensor
    recording: Audio | None = None
    prompt: Prompt | None = None


@dataclass(frozen=True)
class Spoken:
    """A piece of text that was spoken. log_probability: of its codes, in nats a code."""

    text: str
    codes: Codes
    log_probability: float
