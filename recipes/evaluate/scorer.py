"""One utterance: coded, decoded at every prefix of levels, and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.log_mel import log_mel, log_mel_l1
from audiovq.metrics.recogniser import Recogniser
from audiovq.metrics.registry import DECODER_MEL
from audiovq.metrics.score_file import Scores
from audiovq.metrics.scoring import measure
from audiovq.metrics.text import cer, normalise
from audiovq.models.stereo import split
from recipes.evaluate.config import EvaluateConfig
from recipes.evaluate.utterances import Utterance, write_codes


class Scorer:
    """Encodes, decodes and measures one utterance after another."""

    def __init__(self, config: EvaluateConfig) -> None:
        torch.set_num_threads(config.num_threads)
        self._config = config
        self._tokenizer = audiovq.load(config.model, device=config.device, vocoder=config.vocoder or None)
        self._recogniser = Recogniser(config.recogniser, num_threads=config.num_threads) if config.cer else None

    def score(self, utterance: Utterance) -> Scores:
        """Everything there is to say about one utterance, as a line of the score file."""
        tokenizer = self._tokenizer
        wave, sample_rate = io.read(utterance.path, self._config.most_seconds)
        reference = resample(wave, sample_rate, tokenizer.sample_rate)
        codes = tokenizer.encode(reference, sample_rate=tokenizer.sample_rate)
        decoded = [tokenizer.decode(codes, levels=levels) for levels in range(1, tokenizer.num_levels + 1)]
        scores: Scores = {
            "utterance": utterance.name,
            "speaker": utterance.speaker,
            "language": utterance.language,
            "seconds": wave.shape[1] / sample_rate,
            "codes": write_codes(codes),
            "prefixes": [],
            "not_measurable": [],
        }
        for levels, result in enumerate(decoded, start=1):
            values, reasons = measure(self._config.metrics, reference, result, tokenizer.sample_rate)
            if tokenizer.model.config.head == "mel":
                values = {DECODER_MEL: self._mel_l1(reference, tokenizer.decode_mel(codes, levels=levels))} | values
            scores["prefixes"].append(values)
            scores["not_measurable"].append(reasons)
        return scores | self._listen(utterance, [reference, *decoded])

    def _mel_l1(self, reference: torch.Tensor, decoded: torch.Tensor) -> float:
        """Of every channel that is coded. Shape: (C, T), (sets of codes, rows, N)."""
        config = self._tokenizer.model.config
        waves = split(reference, config.stereo).flatten(0, 1)
        rows = config.num_channels * config.mel.num_mels  # what a joint model says beside log-mels follows them
        return log_mel_l1(torch.cat([log_mel(wave, config.mel) for wave in waves]), decoded[:, :rows].flatten(0, 1))

    def _listen(self, utterance: Utterance, waves: Sequence[torch.Tensor]) -> Scores:
        if self._recogniser is None:
            return {}
        if utterance.language not in self._config.cer_languages:
            return {"not_heard": "of a language that is not in cer_languages"}
        if not normalise(utterance.text):
            return {"not_heard": "no text to compare with"}
        heard = [
            self._recogniser.transcribe(wave.mean(0), self._tokenizer.sample_rate, utterance.language) for wave in waves
        ]
        errors = [cer(utterance.text, text) for text in heard]
        return {
            "text": utterance.text,
            "heard": heard,
            "num_characters": errors[0].num_reference,
            "character_errors": [each.num_errors for each in errors],
        }


def begin_scoring(config: EvaluateConfig) -> Callable[[Utterance], Scores]:
    """What scores one utterance after another, in one process."""
    return Scorer(config).score
