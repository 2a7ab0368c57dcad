"""What a recipe supplies to the training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from audiovq.train.averaging import WeightAverage
from audiovq.train.config import OptimConfig
from audiovq.train.muon import Muon, by_step
from audiovq.train.schedule import warmup_cosine


class SizedBatch(Protocol):
    """A share of a global batch, loaded."""

    @property
    def num_valid(self) -> int:
        """How much of the batch is data and not padding, in the unit that the losses are means over; may be 0."""

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio in it."""


Item = TypeVar("Item")
AnyBatch = TypeVar("AnyBatch", bound=SizedBatch)


@dataclass
class Trained:
    """A network with an optimizer, a schedule and a running average of its own.

    A network that takes part from ``start_step`` on has its schedule between that step and the last; at a step that
    gives it no gradient its weights stay as they are.
    """

    module: nn.Module
    optim: OptimConfig
    total_steps: int
    start_step: int = 0

    def __post_init__(self) -> None:
        self.average = WeightAverage(self.module, self.optim.averaging_decay)
        is_muon = self.optim.kind == "muon"
        optimizer = Muon if is_muon else torch.optim.AdamW
        self.optimizer: torch.optim.Optimizer = optimizer(
            by_step(self.module) if is_muon else self.module.parameters(),
            lr=self.optim.learning_rate,
            betas=(self.optim.betas[0], self.optim.betas[1]),
            weight_decay=self.optim.weight_decay,
        )

    def learning_rate(self, step: int) -> float:
        return warmup_cosine(
            max(0, step - self.start_step),
            peak=self.optim.learning_rate,
            final=self.optim.final_learning_rate,
            warmup_steps=self.optim.warmup_steps,
            total_steps=self.total_steps - self.start_step,
        )


@dataclass
class Validation:
    """What a look at held-out data gave."""

    score: float  # lower is better; the best checkpoints are kept by it
    values: Mapping[str, object]  # for log.jsonl
    scalars: Mapping[str, float]  # for tensorboard
    pictures: Mapping[str, Tensor]  # (M, N) matrices, low frequencies first
    sounds: Mapping[str, Tensor]  # (1, T) waves
    sample_rate: int


class Task(ABC, Generic[Item, AnyBatch]):
    """Data, losses and measures of one kind of model. The loop does the rest: it alone steps, saves and resumes.

    ``networks`` must exist before the loop starts; everything else about the run that changes must live in them, or
    follow from the step and the epoch, or it is lost when the run goes on.
    """

    networks: Mapping[str, Trained]
    score_name = "mel_l1_nats"  # of Validation.score

    @abstractmethod
    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Item]]:
        """The global batches of an epoch: a pure function of the configuration and the epoch."""

    @abstractmethod
    def load(self, shares: Sequence[Sequence[Item]], epoch: int) -> Iterable[AnyBatch]:
        """One batch for each share, in order, also for an empty one."""

    @abstractmethod
    def cost(self, batch: Sequence[Item]) -> float:
        """What grows with the memory that a batch needs."""

    @abstractmethod
    def losses(self, batch: AnyBatch) -> Mapping[str, Tensor]:
        """Every loss term, scalar, a mean over the valid part of the share."""

    @abstractmethod
    def weights(self) -> Mapping[str, float]:
        """The weight of every loss term; of those it names, the loop tells the values."""

    def objective(self, terms: Mapping[str, Tensor]) -> Tensor:
        """What the gradients are taken of, from what ``losses`` gave: the weighted sum, if a task says no other."""
        weighted = [terms[name].float() * weight for name, weight in self.weights().items()]
        return torch.stack(weighted).sum()

    def before_step(self, step: int) -> str | None:
        """What some steps begin with, on all processes together; words for the log when something was done."""
        return None

    @abstractmethod
    def after_update(self) -> None:
        """What follows the optimizers' update of every step."""

    @abstractmethod
    def discard(self) -> None:
        """Forget what ``losses`` has gathered for ``after_update``."""

    @abstractmethod
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Look at held-out data with the averaged weights, the processes sharing the work.

        ``go_on`` must be asked equally often by all processes; when it says no, return None at once.
        """

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the model of the averaged weights for use outside training."""
