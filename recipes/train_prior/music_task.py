"""The training of the network of a level of a music prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from audiovq.pretrained import find, load_music_prior, save_music_prior
from audiovq.priors.music import MusicPrior, MusicPriorConfig
from audiovq.priors.music_condition import MusicInputs
from audiovq.priors.network import CodeNetwork
from recipes.train_prior.codes_task import CodesTask
from recipes.train_prior.music_corpus import MusicCorpus, Stretch
from recipes.train_prior.take_over import Inventory


class MusicTask(CodesTask[Stretch, MusicInputs, MusicPrior]):
    """The network of a level."""

    corpus: MusicCorpus

    def new_prior(self) -> MusicPrior:
        corpus, model = self.corpus, self.config.model
        music = replace(
            model.music,
            num_labels=len(corpus.labels),
            window_frames=corpus.window_frames,
            beat_frames=corpus.beat_frames,
        )
        network = replace(model, codes=corpus.levels, music=music)
        return MusicPrior(MusicPriorConfig(tokenizer=corpus.layout.model, labels=corpus.labels, networks=[network]))

    def saved_prior(self, name: str) -> MusicPrior:
        return load_music_prior(find(name))[0]

    def save(self, folder: Path, prior: MusicPrior) -> None:
        save_music_prior(folder, prior, self.config.name, self.config.licence)

    def networks_of(self, prior: MusicPrior) -> Sequence[CodeNetwork]:
        return list(prior.networks)

    def inventories(self, known: MusicPrior) -> Mapping[str, Inventory]:
        nothing = "nothing known"  # the last row
        return {"labels": Inventory([*self.corpus.labels, nothing], [*known.config.labels, nothing])}
