"""How fast priors make codes, network by network, beside transformers' generate(), and how soon they are heard."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch

from audiovq.priors.generation import Request
from audiovq.priors.sampling import Sampling
from audiovq.speech.synthesis import Synthesizer, Voice, load_synthesizer
from recipes.benchmark.gpt2 import Gpt2
from recipes.benchmark.machine import machine
from recipes.benchmark.sentences import Sentence


@dataclass
class Repeat:
    """Seconds that all sentences took together, in one repeat; those of networks in their order."""

    durations: float = 0.0
    networks: list[float] = field(default_factory=list)
    gpt2: list[float] = field(default_factory=list)
    chain: float = 0.0
    first_sounds: list[float] = field(default_factory=list)  # of each sentence, from the call on


class TimedPrior:
    """One prior, its rivals, and what was measured of them."""

    def __init__(
        self,
        name_or_folder: str | os.PathLike[str],
        sentences: Sequence[Sentence],
        sampling: Sampling,
        precision: str = "float32",
    ) -> None:
        self.word, self.sampling = os.fspath(name_or_folder), sampling
        self.synthesizer = load_synthesizer(name_or_folder, precision=precision)
        self.networks = list(self.synthesizer.prior.networks)
        self.gpt2 = [Gpt2(network.config) for network in self.networks]
        self.sentences = [(each.text, self._voice(self.synthesizer, each)) for each in sentences]
        self.num_tokens, self.num_steps = [0] * len(self.networks), [0] * len(self.networks)
        self.audio_seconds = 0.0
        self.repeats: list[Repeat] = []

    def measure(self, keep: bool = True) -> None:
        """One repeat over all sentences, and whether it counts: the first one warms up."""
        repeat = Repeat(networks=[0.0] * len(self.networks), gpt2=[0.0] * len(self.networks))
        self.num_tokens, self.num_steps = [0] * len(self.networks), [0] * len(self.networks)
        num_samples = 0
        for text, voice in self.sentences:
            self._make_codes(text, voice, repeat)
            num_samples += self._speak(text, voice, repeat)
        self.audio_seconds = num_samples / self.synthesizer.sample_rate
        if keep:
            self.repeats.append(repeat)

    def results(self) -> dict[str, Any]:
        """As results.json has them."""
        return {
            "model": self.word,
            "name": self.synthesizer.name,
            "audio_seconds": self.audio_seconds,
            "durations_seconds": [each.durations for each in self.repeats],
            "networks": [
                {
                    "kind": network.config.kind,
                    "levels": list(network.config.covered),
                    "num_parameters": sum(parameter.numel() for parameter in network.parameters()),
                    "num_tokens": self.num_tokens[number],
                    "num_steps": self.num_steps[number],
                    "seconds": [each.networks[number] for each in self.repeats],
                    "gpt2_seconds": [each.gpt2[number] for each in self.repeats],
                }
                for number, network in enumerate(self.networks)
            ],
            "chain_seconds": [each.chain for each in self.repeats],
            "first_sound_seconds": [statistics.median(each.first_sounds) for each in self.repeats],
            "latest_first_sound_seconds": [max(each.first_sounds) for each in self.repeats],
        }

    def _make_codes(self, text: str, voice: Voice, repeat: Repeat) -> None:
        prior = self.synthesizer.prior
        with torch.inference_mode():
            for _, symbols in self.synthesizer.pieces(text, voice.language):
                start = perf_counter()
                inputs, num_coarse = prior.stretched(self.synthesizer.inputs(symbols, voice), self.sampling)
                repeat.durations += perf_counter() - start
                generation = prior.begin([Request(inputs, num_coarse)], self.sampling)
                for number, network in enumerate(self.networks):
                    start = perf_counter()
                    generation.reach(number, num_coarse)
                    repeat.networks[number] += perf_counter() - start
                    num_tokens = int((network.layout(num_coarse).index >= 0).sum())
                    self.num_tokens[number] += num_tokens
                    self.num_steps[number] += self._steps(number, num_coarse)
                    start = perf_counter()
                    self.gpt2[number].generate(num_tokens, self.sampling)
                    repeat.gpt2[number] += perf_counter() - start

    def _speak(self, text: str, voice: Voice, repeat: Repeat) -> int:
        """The whole chain, as `audiovq speak` runs it; samples made."""
        num_samples = 0
        start = perf_counter()
        for block in self.synthesizer.stream(text, voice, self.sampling):
            if num_samples == 0 and block.shape[1] > 0:  # a block may be empty
                repeat.first_sounds.append(perf_counter() - start)
            num_samples += block.shape[1]
        repeat.chain += perf_counter() - start
        return num_samples

    def _steps(self, number: int, num_coarse: int) -> int:
        network = self.networks[number]
        if network.config.kind == "masked":
            return self.sampling.steps * len(network.made)
        return network.layout(num_coarse).num_positions

    @staticmethod
    def _voice(synthesizer: Synthesizer, sentence: Sentence) -> Voice:
        speaker = sentence.speaker if sentence.speaker in synthesizer.speakers else None
        return synthesizer.voice(speaker, sentence.language)


def prior_speed(
    models: Sequence[str],
    sentences: Sequence[Sentence],
    sampling: Sampling,
    repeats: int,
    num_threads: int,
    precision: str = "float32",
) -> dict[str, Any]:
    """Measure priors, taking turns so that a slower minute of the machine hits all alike.

    Raises: ModelError for a model that is not there or does not speak a sentence's language; TextError for a sentence
    with nothing to speak.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        priors = [TimedPrior(model, sentences, sampling, precision) for model in models]
        for number in range(repeats + 1):
            for prior in priors:
                prior.measure(keep=number > 0)
    finally:
        torch.set_num_threads(before)
    return {
        "machine": machine(),
        "threads": num_threads,
        "repeats": repeats,
        "steps": sampling.steps,
        "guidance": sampling.guidance,
        "precision": precision,
        "sentences": [sentence.text for sentence in sentences],
        "priors": [prior.results() for prior in priors],
    }
