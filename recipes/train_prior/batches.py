"""What a training of a prior reads: batches of codes with what they are conditioned on, and who makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from audiovq.priors.levels import CodeLevels
from audiovq.priors.network import Inputs
from audiovq.tokens import Layout, TokenTable
from recipes.schema import PriorDataConfig

In = TypeVar("In", bound=Inputs)
Item = TypeVar("Item")


@dataclass
class PriorBatch(Generic[In]):
    """Items side by side, padded; ``num_valid`` counts coarsest frames. Shape: seeds (B,) int64, the items' own."""

    codes: list[Tensor]
    num_coarse: Tensor
    inputs: In
    seeds: Tensor
    num_valid: int
    audio_seconds: float


class Corpus(Protocol[Item, In]):
    """Items with codes, in memory, and batches of them."""

    config: PriorDataConfig
    layout: Layout
    levels: CodeLevels

    def batches(self, seed: int, epoch: int) -> list[list[Item]]:
        """Those of an epoch: a pure function of its arguments."""

    def valid_batches(self) -> list[list[Item]]:
        """Those that a validation looks at."""

    def cost(self, batch: Sequence[Item]) -> float:
        """What grows with the memory that a batch needs."""

    def collate(self, items: Sequence[Item], seed: int, epoch: int | None) -> PriorBatch[In]:
        """A batch; with an epoch it is for training: what is known of each item is hidden at random."""


class Collated(Dataset[PriorBatch[In]], Generic[Item, In]):
    """The batches of given shares, made when they are asked for."""

    def __init__(self, corpus: Corpus[Item, In], shares: Sequence[Sequence[Item]], seed: int, epoch: int) -> None:
        self.corpus, self.shares, self.seed, self.epoch = corpus, shares, seed, epoch

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, index: int) -> PriorBatch[In]:
        return self.corpus.collate(self.shares[index], self.seed, self.epoch)


def padded(rows: Sequence[Tensor]) -> Tensor:
    """Zeros behind. Shape: [(..., N_i), ...] -> (B, ..., N)."""
    longest = max(row.shape[-1] for row in rows)
    return torch.stack([torch.nn.functional.pad(row, (0, longest - row.shape[-1])) for row in rows])


def same_layout(tables: Sequence[TokenTable]) -> Layout:
    """That of all tables. Raises: ValueError when they hold codes of different models."""
    layouts = [table.layout for table in tables]
    if any(layout != layouts[0] for layout in layouts):
        folders = ", ".join(str(table.folder) for table in tables)
        raise ValueError(f"the token tables {folders} hold codes of different models")
    return layouts[0]


def existing(path: str, name: str, stage: str) -> Path:
    """The file that a setting names. Raises: ValueError, FileNotFoundError."""
    if not path:
        raise ValueError(f"data.{name} is not set: name the file that the recipe's stage '{stage}' makes")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist: run the recipe's stage '{stage}' first")
    return Path(path)
