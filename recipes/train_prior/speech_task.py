"""The trainings of the parts of a speech prior: the network of a level, and what the forecast of durations shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from audiovq.pretrained import find, load_prior, save_prior
from audiovq.priors.condition import ConditionConfig, TextInputs
from audiovq.priors.network import CodeNetwork
from audiovq.priors.speech import Speaker, SpeechPrior, SpeechPriorConfig
from recipes.train_prior.codes_task import CodesTask
from recipes.train_prior.prior_task import PriorTask
from recipes.train_prior.speech_corpus import SpeechCorpus, Utterance
from recipes.train_prior.take_over import Inventory


class SpeechTask(PriorTask[Utterance, TextInputs, SpeechPrior]):
    """A part of a speech prior."""

    corpus: SpeechCorpus

    @abstractmethod
    def form(self) -> SpeechPriorConfig:
        """Of the prior with this one part."""

    def new_prior(self) -> SpeechPrior:
        return SpeechPrior(self.form())

    def saved_prior(self, name: str) -> SpeechPrior:
        return load_prior(find(name))[0]

    def inventories(self, known: SpeechPrior) -> Mapping[str, Inventory]:
        text, config = self.corpus.text, known.config
        if text.frontend != config.frontend:
            raise ValueError(
                f"init_from={self.config.init_from} reads {config.frontend}, the data are spelled in {text.frontend}"
            )
        return {
            "symbols": Inventory(text.symbols, config.symbols),
            "languages": Inventory(self.corpus.languages, config.languages),
            "speakers": Inventory(self.corpus.speakers, [speaker.name for speaker in config.speakers]),
        }

    def save(self, folder: Path, prior: SpeechPrior) -> None:
        save_prior(folder, prior, self.config.name, self.config.licence)

    def empty_prior(self) -> SpeechPriorConfig:
        """What the data say of it, without a part."""
        corpus = self.corpus
        return SpeechPriorConfig(
            tokenizer=corpus.layout.model,
            frontend=corpus.text.frontend,
            symbols=corpus.text.symbols,
            languages=corpus.languages,
            speakers=[
                Speaker(name=name, language=language)
                for name, language in zip(corpus.speakers, corpus.speaker_languages, strict=True)
            ],
        )

    def sized(self, condition: ConditionConfig) -> ConditionConfig:
        """With the sizes of the inventories."""
        return replace(
            condition,
            num_symbols=len(self.corpus.text.symbols),
            num_speakers=len(self.corpus.speakers),
            num_languages=len(self.corpus.languages),
            voice_size=self.corpus.voice_size,
        )


class SpeechCodesTask(CodesTask[Utterance, TextInputs, SpeechPrior], SpeechTask):
    """The network of a level."""

    def form(self) -> SpeechPriorConfig:
        model = self.config.model
        network = replace(model, codes=self.corpus.levels, condition=self.sized(model.condition))
        return replace(self.empty_prior(), networks=[network])

    def networks_of(self, prior: SpeechPrior) -> Sequence[CodeNetwork]:
        return list(prior.networks)
