"""What the trainings of all parts of all priors share: the data, the averaged weights, the saved model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils.data import DataLoader

from audiovq.system.distributed import rank, world_size
from audiovq.train.preemption import ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained
from recipes.schema import TrainPriorConfig
from recipes.train_prior.batches import Collated, Corpus, In, Item, PriorBatch
from recipes.train_prior.take_over import Inventory, take_over

Prior = TypeVar("Prior", bound=nn.Module)


class PriorTask(Task[Item, PriorBatch[In]], Generic[Item, In, Prior]):
    """A part of a prior, and items to learn it from."""

    def __init__(self, config: TrainPriorConfig, corpus: Corpus[Item, In], fabric: Fabric) -> None:
        self.config, self.fabric, self.corpus = config, fabric, corpus
        torch.manual_seed(config.seed)
        self.prior, self.average = (self.new_prior().to(fabric.device) for _ in range(2))
        if config.init_from:
            known = self.saved_prior(config.init_from)
            taken = take_over(self.part(self.prior), self.part(known), self.inventories(known))
            print(f"init_from={config.init_from}: {taken}")
        else:
            self.begin()
        self.networks = {"prior": Trained(self.prior, config.optim, config.total_steps)}

    @abstractmethod
    def new_prior(self) -> Prior:
        """The prior with this one part, untrained."""

    @abstractmethod
    def saved_prior(self, name: str) -> Prior:
        """A bundled prior or one in a folder."""

    @abstractmethod
    def part(self, prior: Prior) -> nn.Module:
        """What is trained, in the prior of this run or in a whole one. Raises: ValueError when it has none."""

    @abstractmethod
    def inventories(self, known: Prior) -> Mapping[str, Inventory]:
        """Of the embeddings whose rows have names, by the names of the embeddings."""

    def begin(self) -> None:
        """Give a new run's weights what is known before."""

    # -- data ----------------------------------------------------------------------------------------------------

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Item]]:
        return self.corpus.batches(self.config.seed, epoch)

    def load(self, shares: Sequence[Sequence[Item]], epoch: int) -> Iterable[PriorBatch[In]]:
        return DataLoader(
            Collated(self.corpus, shares, self.config.seed, epoch),
            batch_size=None,
            num_workers=self.config.data.num_workers,
            generator=torch.Generator(),
            worker_init_fn=ignore_stop_requests,
        )

    def cost(self, batch: Sequence[Item]) -> float:
        return self.corpus.cost(batch)

    def look_at_valid(self, go_on: Callable[[], bool], look: Callable[[PriorBatch[In]], None]) -> bool:
        """Show this process's part of the valid split to ``look``; False when it was broken off."""
        batches = self.corpus.valid_batches()

        def own() -> Iterator[PriorBatch[In]]:
            for batch in batches[rank() :: world_size()]:
                yield self.corpus.collate(batch, seed=0, epoch=None)

        return in_rounds(own(), len(batches), go_on, lambda share: look(self.fabric.to_device(share)))

    # -- the rest --------------------------------------------------------------------------------------------------

    def after_update(self) -> None:
        pass

    def discard(self) -> None:
        pass

    def averaged(self) -> Prior:
        """The prior with the averaged weights."""
        self.average.load_state_dict(self.networks["prior"].average.weights)
        return self.average.eval()

    def export(self, folder: Path) -> None:
        self.save(folder, self.averaged())

    @abstractmethod
    def save(self, folder: Path, prior: Prior) -> None:
        """Write it for use outside training."""
