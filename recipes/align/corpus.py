"""The utterances of the recipe, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audiovq.data.inventories import Inventories
from audiovq.data.speech_units import Units, units_of
from audiovq.data.symbol_tables import Spoken, SymbolTableError, read_symbols
from audiovq.models import VQVAE
from audiovq.pretrained import ModelError, same_codes
from audiovq.priors.alignment.features import frame_features, num_features
from audiovq.tokenizer import Tokenizer
from audiovq.tokens import TokenTable
from recipes.align.config import SPLITS, AlignDataConfig


@dataclass(frozen=True, eq=False)
class Utterance:
    """What is aligned. codes: [(K_0, N_0), ...] of the first channel."""

    spoken: Spoken
    units: Units
    names: tuple[str, ...]  # of the units
    codes: tuple[np.ndarray, ...]

    @property
    def is_possible(self) -> bool:
        """Whether there are frames enough."""
        return self.spoken.num_frames >= max(1, int((~self.units.optional).sum()))


@dataclass
class Batch:
    """Shapes: symbols and optional (B, S), features (B, D, N), the other tensors (B,)."""

    symbols: Tensor
    optional: Tensor
    num_symbols: Tensor
    speakers: Tensor
    languages: Tensor
    features: Tensor
    num_frames: Tensor
    num_valid: int
    audio_seconds: float


class Corpus:
    """All splits that there are."""

    def __init__(self, data: AlignDataConfig, tokenizer: Tokenizer) -> None:
        """Raises: SymbolTableError, TokenTableError or ModelError when tables are missing or do not agree."""
        paths = {split: Path(data.symbols) / f"symbols_{split}.parquet" for split in SPLITS}
        spoken = {split: read_symbols(path) for split, path in paths.items() if split == "train" or path.exists()}
        codes = _codes({item.utt_id for items in spoken.values() for item in items}, data.tables, tokenizer)
        self.splits = {
            split: [_utterance(item, codes[item.utt_id]) for item in items] for split, items in spoken.items()
        }

    def inventories(self) -> Inventories:
        """Of what is trained on."""
        train = self.splits["train"]
        return Inventories.collect(
            (name for item in train for name in item.names),
            (item.spoken.speaker for item in train),
            (item.spoken.language for item in train),
        )


class Collator:
    """Makes batches; what an utterance's frames sound like is kept once it has been found out."""

    def __init__(self, model: VQVAE, known: Inventories, frames_per_second: float) -> None:
        self.model, self.known, self.frames_per_second = model, known, frames_per_second
        self.num_features = num_features(model)
        self._features: dict[str, Tensor] = {}

    def __call__(self, items: Sequence[Utterance]) -> Batch:
        """Items padded to the longest; one of no frame of its own if there are none."""
        sizes = [len(item.names) for item in items] or [1]
        frames = [item.spoken.num_frames for item in items] or [0]
        symbols = torch.zeros(len(sizes), max(sizes), dtype=torch.int64)
        optional = torch.zeros(len(sizes), max(sizes), dtype=torch.bool)
        features = torch.zeros(len(sizes), self.num_features, max(1, *frames, 1))
        for row, item in enumerate(items):
            symbols[row, : sizes[row]] = torch.tensor([self.known.symbol(name) for name in item.names])
            optional[row, : sizes[row]] = torch.from_numpy(item.units.optional)
            features[row, :, : frames[row]] = self._features_of(item)
        return Batch(
            symbols=symbols,
            optional=optional,
            num_symbols=torch.tensor(sizes),
            speakers=torch.tensor([self.known.speaker(item.spoken.speaker) for item in items] or [0]),
            languages=torch.tensor([self.known.language(item.spoken.language) for item in items] or [0]),
            features=features,
            num_frames=torch.tensor(frames),
            num_valid=sum(frames),
            audio_seconds=sum(frames) / self.frames_per_second,
        )

    def _features_of(self, item: Utterance) -> Tensor:
        """Found one by one, so that they do not depend on the batch. Shape: (D, N) float16."""
        key = item.spoken.utt_id
        if key not in self._features:
            levels = [torch.from_numpy(level.astype(np.int64))[None] for level in item.codes]
            self._features[key] = frame_features(self.model, levels)[0].half()
        return self._features[key]


def _codes(wanted: set[str], folders: Sequence[str], tokenizer: Tokenizer) -> dict[str, tuple[np.ndarray, ...]]:
    """Of the first channel of each wanted utterance. Shape: [(K_0, N_0), ...] each."""
    found = {}
    for folder in folders:
        table = TokenTable(folder)
        layout = table.layout
        if not same_codes(layout.model, tokenizer.model_id):
            raise ModelError(f"{folder} holds codes of {layout.model}, expected those of {tokenizer.model_id}")
        for entry in table.entries():
            if entry.utt_id in wanted:
                levels = (layout.matrix(entry, level)[:, :count] for level, count in enumerate(layout.num_codebooks))
                found[entry.utt_id] = tuple(level.T for level in levels)
    if absent := sorted(wanted - set(found)):
        tables = ", ".join(folders)
        raise SymbolTableError(f"{len(absent)} utterances with symbols are in none of {tables}, such as {absent[0]}")
    return found


def _utterance(spoken: Spoken, codes: tuple[np.ndarray, ...]) -> Utterance:
    if codes[-1].shape[1] != spoken.num_frames:
        raise SymbolTableError(
            f"{spoken.utt_id} has {spoken.num_frames} frames by its symbols and {codes[-1].shape[1]} by its codes: "
            "were the two made from different token tables?"
        )
    units = units_of(spoken.symbols)
    return Utterance(spoken, units, tuple(spoken.symbols[place] for place in units.places), codes)
