"""The utterances that are scored, and what is kept of each in the score file."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import audiovq
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset
from audiovq.metrics.score_file import Scores
from recipes.evaluate.config import EvaluateConfig


@dataclass(frozen=True)
class Utterance:
    """One line of the data directory's tables."""

    name: str
    path: str
    speaker: str
    language: str
    text: str

    def __str__(self) -> str:
        return self.name


def read_utterances(config: EvaluateConfig) -> list[Utterance]:
    """The chosen lines of the data directory, with empty texts and languages where it has none."""
    data = DataDir.load(config.data)
    texts, languages = data.text or {}, data.utt2lang or {}
    return [
        Utterance(name, data.wav_scp[name], data.utt2spk[name], languages.get(name, ""), texts.get(name, ""))
        for name in balanced_subset(data.utt2spk, config.num_utterances or len(data.utt2spk), config.seed)
    ]


def write_codes(codes: audiovq.Codes) -> str:
    """Codes as a line of the score file keeps them."""
    return base64.b64encode(codes.to_bytes()).decode()


def read_codes(scores: Scores) -> audiovq.Codes:
    """The codes that a line of the score file keeps."""
    return audiovq.Codes.from_bytes(base64.b64decode(scores["codes"]))
