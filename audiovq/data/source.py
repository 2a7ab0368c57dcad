"""Where a training's sound comes from: recordings that are read batch by batch, or a corpus that lies in memory."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lhotse import CutSet
from lhotse.cut import Cut
from torch import Tensor

from audiovq.data.balance import BalanceConfig
from audiovq.data.degrade import AugmentConfig
from audiovq.data.loader import Batch, epoch_batches, load, read_channels, read_cuts
from audiovq.data.resident import ResidentCorpus, Stretch

MISSING = "???"  # has to be given, in the words of omegaconf


@dataclass(kw_only=True)
class DataConfig:
    """What is heard, in which portions."""

    train_cuts: str = MISSING
    valid_cuts: str = MISSING
    num_channels: int = 1  # of the recordings that are heard; 1 is the first
    window_seconds: float = 4.0  # longer utterances are cut into windows of this length
    batch_seconds: float = 32.0  # audio per step, over all processes
    valid_seconds: float = 600.0  # audio of the valid split that each validation looks at, spread over all of it
    # each epoch plays each cut at one of these, drawn at random
    speeds: list[float] = field(default_factory=lambda: [0.84, 0.92, 1.0, 1.0, 1.08, 1.16])
    gain_db: float = 8.0  # each item is made louder or softer by up to this much
    augment: AugmentConfig = field(default_factory=AugmentConfig)  # what is heard is also what has to come out
    balance: BalanceConfig = field(default_factory=BalanceConfig)
    num_workers: int = 1
    # Keep all training sound in the memory of the device: for GPUs, which outrun any reading of files.
    resident: bool = False

    def __post_init__(self) -> None:
        if self.resident and (self.augment != AugmentConfig() or self.balance != BalanceConfig()):
            raise ValueError("data.resident plays the recordings as they are: leave data.augment and data.balance out")
        if self.num_channels not in (1, 2):
            raise ValueError(f"data.num_channels is {self.num_channels}, expected 1 or 2")
        if self.num_channels != 1 and self.augment != AugmentConfig():
            raise ValueError("data.augment degrades one channel: leave it out where data.num_channels is 2")


class Source(ABC):
    """What a task hears, as audiovq.train.task wants it."""

    @abstractmethod
    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Any]]:
        """The global batches of an epoch."""

    @abstractmethod
    def load(self, shares: Sequence[Sequence[Any]], epoch: int) -> Iterable[Batch]:
        """One batch for each share, in order."""

    @abstractmethod
    def cost(self, batch: Sequence[Any]) -> float:
        """What grows with the memory that a batch needs."""


@dataclass
class CutSource(Source):
    """Cuts, read by other processes ahead of their use.

    window: takes from a cut what an epoch hears of it; each worker process begins with ``worker_init``.
    """

    cuts: CutSet
    config: DataConfig
    hop_length: int
    seed: int
    worker_init: Callable[[int], None]
    window: Callable[[Cut, int], Cut] | None = None

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Cut]]:
        data, cuts, window = self.config, self.cuts, self.window
        if window is not None:
            cuts = CutSet.from_cuts(window(cut, epoch) for cut in cuts)
        return epoch_batches(cuts, data.batch_seconds, self.seed, epoch, data.speeds, data.balance)

    def load(self, shares: Sequence[Sequence[Cut]], epoch: int) -> Iterable[Batch]:
        data = self.config
        return load(
            shares,
            self.hop_length,
            data.num_workers,
            self.seed,
            epoch,
            self.worker_init,
            data.augment,
            data.num_channels,
        )

    def cost(self, batch: Sequence[Cut]) -> float:
        return len(batch) * max(cut.duration for cut in batch)


@dataclass
class ResidentSource(Source):
    """A corpus in memory, heard in windows of ``window_seconds`` that lie elsewhere each epoch."""

    corpus: ResidentCorpus
    config: DataConfig
    window_seconds: float
    hop_length: int
    seed: int

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Stretch]]:
        data = self.config
        return self.corpus.epoch_batches(self.window_seconds, data.batch_seconds, data.speeds, self.seed, epoch)

    def load(self, shares: Sequence[Sequence[Stretch]], epoch: int) -> Iterable[Batch]:
        return self.corpus.load(shares, self.hop_length, self.seed, epoch)

    def cost(self, batch: Sequence[Stretch]) -> float:
        return max(len(batch) * stretch.num_samples / stretch.percent for stretch in batch)


class HearsSource:
    """A part of a task: its data are those of a source."""

    sound: Source

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Any]]:
        return self.sound.epoch_batches(epoch)

    def load(self, shares: Sequence[Sequence[Any]], epoch: int) -> Iterable[Batch]:
        return self.sound.load(shares, epoch)

    def cost(self, batch: Sequence[Any]) -> float:
        return self.sound.cost(batch)


def open_source(
    config: DataConfig,
    hop_length: int,
    seed: int,
    device: torch.device,
    worker_init: Callable[[int], None],
    window_seconds: float | None = None,
) -> Source:
    """The training data of a configuration.

    With ``window_seconds`` an epoch hears random windows so long instead of all of each window of the configuration.
    """
    cuts = read_cuts(Path(config.train_cuts), None if config.resident else config.window_seconds)
    if config.resident:
        corpus = ResidentCorpus(_waves(cuts, config.num_channels), next(iter(cuts)).sampling_rate, device)
        return ResidentSource(corpus, config, window_seconds or config.window_seconds, hop_length, seed)
    window = None if window_seconds is None else partial(random_window, seconds=window_seconds, seed=seed)
    return CutSource(cuts, config, hop_length, seed, worker_init, window)


def random_window(cut: Cut, epoch: int, seconds: float, seed: int) -> Cut:
    """``seconds`` from anywhere in the cut, elsewhere each epoch; the whole cut if it is no longer."""
    if cut.duration <= seconds:
        return cut
    last = round((cut.duration - seconds) * cut.sampling_rate)
    start = random.Random(f"{seed} {epoch} {cut.id} window").randint(0, last)
    return cut.truncate(offset=start / cut.sampling_rate, duration=seconds, preserve_id=True)


def _waves(cuts: CutSet, num_channels: int) -> Iterator[tuple[str, Tensor]]:
    for cut in cuts:
        yield cut.id, read_channels(cut, num_channels)
