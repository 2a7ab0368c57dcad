"""What the trainings of all parts of a speech prior share: the data, the averaged weights, the saved model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset

from audiovq.pretrained import find, load_prior, save_prior
from audiovq.priors.condition import ConditionConfig
from audiovq.priors.speech import Speaker, SpeechPrior, SpeechPriorConfig
from audiovq.processes import rank, world_size
from audiovq.train.preemption import ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained
from recipes.schema import TrainPriorConfig
from recipes.train_prior.corpus import Corpus, PriorBatch, Utterance, pack


class SpeechTask(Task[Utterance, PriorBatch]):
    """A part of a speech prior, and utterances to learn it from."""

    def __init__(self, config: TrainPriorConfig, corpus: Corpus, fabric: Fabric) -> None:
        self.config, self.fabric, self.corpus = config, fabric, corpus
        torch.manual_seed(config.seed)
        form = self.form()
        self.prior, self.average = (SpeechPrior(form).to(fabric.device) for _ in range(2))
        if config.init_from:
            source, _ = load_prior(find(config.init_from))
            own = self.prior.state_dict()
            fitting = {n: v for n, v in source.state_dict().items() if n in own and own[n].shape == v.shape}
            self.prior.load_state_dict(fitting, strict=False)
            print(f"init_from={config.init_from}: {len(fitting)} of {len(own)} tensors fit")
        else:
            self.begin()
        self.networks = {"prior": Trained(self.prior, config.optim, config.total_steps)}

    @abstractmethod
    def form(self) -> SpeechPriorConfig:
        """Of the prior with this one part."""

    def begin(self) -> None:
        """Give a new run's weights what is known before."""

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

    # -- data ----------------------------------------------------------------------------------------------------

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Utterance]]:
        return self.corpus.batches(self.config.seed, epoch)

    def load(self, shares: Sequence[Sequence[Utterance]], epoch: int) -> Iterable[PriorBatch]:
        return DataLoader(
            Collated(self.corpus, shares, self.config.seed, epoch),
            batch_size=None,
            num_workers=self.config.data.num_workers,
            generator=torch.Generator(),
            worker_init_fn=ignore_stop_requests,
        )

    def cost(self, batch: Sequence[Utterance]) -> float:
        return len(batch) * max(utterance.seconds for utterance in batch)

    def look_at_valid(self, go_on: Callable[[], bool], look: Callable[[PriorBatch], None]) -> bool:
        """Show this process's part of the valid split to ``look``; False when it was broken off."""
        near = sorted(self.corpus.valid, key=lambda utterance: utterance.num_coarse)
        batches = pack(near, self.config.data.batch_seconds)

        def own() -> Iterator[PriorBatch]:
            for batch in batches[rank() :: world_size()]:
                yield self.corpus.collate(batch, seed=0, epoch=None)

        return in_rounds(own(), len(batches), go_on, lambda share: look(self.fabric.to_device(share)))

    # -- the rest --------------------------------------------------------------------------------------------------

    def after_update(self) -> None:
        pass

    def discard(self) -> None:
        pass

    def averaged(self) -> SpeechPrior:
        """The prior with the averaged weights."""
        self.average.load_state_dict(self.networks["prior"].average.weights)
        return self.average.eval()

    def export(self, folder: Path) -> None:
        save_prior(folder, self.averaged(), self.config.name, self.config.licence)


class Collated(Dataset[PriorBatch]):
    """The batches of given shares, made when they are asked for."""

    def __init__(self, corpus: Corpus, shares: Sequence[Sequence[Utterance]], seed: int, epoch: int) -> None:
        self.corpus, self.shares, self.seed, self.epoch = corpus, shares, seed, epoch

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, index: int) -> PriorBatch:
        return self.corpus.collate(self.shares[index], self.seed, self.epoch)
