"""Pieces of music as codes with labels, and batches of random stretches of them."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from audiovq.data.item_random import item_seed
from audiovq.priors.condition import UNKNOWN
from audiovq.priors.levels import CodeLevels
from audiovq.priors.music_condition import MusicInputs
from audiovq.priors.sampling import ItemRandom
from audiovq.tokens import TokenTable
from recipes.schema import PriorDataConfig
from recipes.train_prior.batches import PriorBatch, existing, same_layout


@dataclass(frozen=True)
class Piece:
    """All in coarsest frames; ``offset``: where it begins when all pieces are laid end to end.

    ``name``: the number of its table and its id, so that nothing random depends on where tables lie.
    """

    name: str
    labels: tuple[int, ...]
    offset: int
    num_coarse: int


@dataclass(frozen=True)
class Stretch:
    """A part of a piece, in coarsest frames; ``number`` tells it from others of an epoch.

    ``window``: what it is filled up to, alike in a batch.
    """

    piece: Piece
    start: int
    length: int
    window: int
    number: int


class MusicCorpus:
    """All that a training reads, in memory: the ``num_levels`` coarsest levels.

    Raises: ValueError naming what does not fit together; FileNotFoundError naming the stage that makes a file.
    """

    def __init__(self, config: PriorDataConfig, num_levels: int) -> None:
        self.config = config
        train, valid = ([TokenTable(folder) for folder in named] for named in (config.tokens, config.valid_tokens))
        if not valid:
            raise ValueError("data.valid_tokens is not set: name the token tables of the pieces that are held out")
        self.layout = same_layout([*train, *valid])
        self.levels = CodeLevels.of(self.layout.hop_lengths, self.layout.codebook_sizes, self.layout.num_codebooks)
        rate = Fraction(self.layout.sample_rate, self.layout.hop_lengths[0])
        self.window_frames, self.short_frames, self._batch_frames = (
            max(1, round(seconds * rate))
            for seconds in (config.window_seconds, config.short_seconds, config.batch_seconds)
        )
        rows = _labels(config)
        named = {
            name: list(dict.fromkeys(row[field] for field in config.label_fields if field in row))
            for name, row in rows.items()
        }
        counts = Counter(label for table in train for piece in table for label in named.get(piece, ()))
        self.labels = sorted(label for label, count in counts.items() if count >= config.min_pieces_per_label)
        self.beat_frames = _beat_frames(self.labels, rows, config.beat_field, rate)
        parts: list[list[Tensor]] = [[] for _ in range(num_levels)]
        self.train, self.valid = (list(self._pieces(tables, named, parts)) for tables in (train, valid))
        # What is read past the last piece: windows are always whole.
        self._codes = [
            torch.cat([*rows, torch.zeros_like(rows[0][:, :1]).expand(-1, self.window_frames * factor)], dim=1)
            for rows, factor in zip(parts, self.levels.factors, strict=False)
        ]
        self._labels_a_piece = max([1, *(len(piece.labels) for piece in (*self.train, *self.valid))])
        self._frame_seconds = float(1 / rate)

    def _pieces(
        self, tables: Sequence[TokenTable], named: dict[str, list[str]], parts: list[list[Tensor]]
    ) -> Iterator[Piece]:
        for number, table in enumerate(tables):
            for entry in table.entries():
                if entry.num_channels != 1:
                    raise ValueError(f"{table.folder}: {entry.utt_id} has {entry.num_channels} channels, expected 1")
                offset = sum(part.shape[1] for part in parts[0])
                for rows, codes in zip(parts, self.layout.codes(entry).levels, strict=False):
                    rows.append(codes.int())
                known = [self.labels.index(label) for label in named.get(entry.utt_id, ()) if label in self.labels]
                yield Piece(f"{number}/{entry.utt_id}", tuple(known), offset, parts[0][-1].shape[1])

    def batches(self, seed: int, epoch: int) -> list[list[Stretch]]:
        """Those of an epoch, which visits each piece as often as there is room for a window in it, at random places.

        A share of the visits is to as many short windows as there is room for in a long one.
        """
        drawn = random.Random(f"{seed} {epoch}")
        long: list[Stretch] = []
        short: list[Stretch] = []
        for piece in self.train:
            for _ in range(max(1, int(piece.num_coarse / self.window_frames + drawn.random()))):
                if self.config.short_share and drawn.random() < self.config.short_share:
                    for _ in range(max(1, min(piece.num_coarse, self.window_frames) // self.short_frames)):
                        short.append(self._stretch(piece, self.short_frames, len(short), drawn))
                else:
                    long.append(self._stretch(piece, self.window_frames, len(long), drawn))
        for stretches in (long, short):
            drawn.shuffle(stretches)
        found = [*self._batched(long), *self._batched(short)]
        if short:
            drawn.shuffle(found)
        return found

    def _stretch(self, piece: Piece, window: int, number: int, drawn: random.Random) -> Stretch:
        last = max(0, piece.num_coarse - window)
        chance, anywhere = drawn.random() / max(self.config.edge_share, 1e-9), drawn.randint(0, last)
        start = anywhere if chance >= 1 else 0 if chance < 0.5 else last
        return Stretch(piece, start, min(piece.num_coarse, window), window, number)

    def valid_batches(self) -> list[list[Stretch]]:
        """All of what is held out, a window after the other."""
        return self._batched(
            [
                Stretch(piece, start, min(self.window_frames, piece.num_coarse - start), self.window_frames, 0)
                for piece in self.valid
                for start in range(0, piece.num_coarse, self.window_frames)
            ]
        )

    def _batched(self, stretches: Sequence[Stretch]) -> list[list[Stretch]]:
        """Of stretches of one window."""
        if not stretches:
            return []
        size = max(1, self._batch_frames // stretches[0].window)
        return [list(stretches[at : at + size]) for at in range(0, len(stretches), size)]

    def cost(self, batch: Sequence[Stretch]) -> float:
        """What grows with the memory that a batch needs."""
        return float(sum(item.window for item in batch))

    def collate(self, items: Sequence[Stretch], seed: int, epoch: int | None) -> PriorBatch[MusicInputs]:
        """A batch, all of whose items are filled up to one window; with an epoch it is for training.

        Then labels are hidden at random, and what lies before and after a stretch is told to be somewhat longer or
        shorter than it is: a piece could else be known by its length, and be learnt by heart.
        """
        picked = list(items) or [Stretch(self.train[0], 0, 1, self.window_frames, 0)]
        seeds = [item_seed(seed, epoch, item.piece.name, item.start, item.number) for item in picked]
        labels = torch.full((len(picked), self._labels_a_piece), UNKNOWN)
        starts, totals, dropped, true_starts = [], [], [], []
        for row, (item, own) in enumerate(zip(picked, seeds, strict=True)):
            drawn = ItemRandom(own, "condition")
            known = item.piece.labels
            before, after = item.start, item.piece.num_coarse - item.start - item.length
            is_hidden = epoch is not None and drawn.uniform() < self.config.hidden_share
            if epoch is not None:
                known = tuple(label for label in known if drawn.uniform() < self.config.label_share)
                before, after = (
                    round(frames * math.exp(self.config.time_jitter * (2 * drawn.uniform() - 1)))
                    for frames in (before, after)
                )
            labels[row, : len(known)] = torch.tensor(known, dtype=torch.int64)
            starts.append(before)
            totals.append(before + item.length + after)
            dropped.append(is_hidden)
            true_starts.append(item.start)
        inputs = MusicInputs(labels, *map(torch.tensor, (starts, totals, dropped, true_starts)))
        begins = torch.tensor([item.piece.offset + item.start for item in picked])[:, None]
        codes = [
            level[:, begins * factor + torch.arange(picked[0].window * factor)].transpose(0, 1).long()
            for level, factor in zip(self._codes, self.levels.factors, strict=False)
        ]
        num_coarse = torch.tensor([item.length for item in picked]) * bool(items)
        num_valid = sum(item.length for item in items)
        return PriorBatch(codes, num_coarse, inputs, torch.tensor(seeds), num_valid, num_valid * self._frame_seconds)


def _labels(config: PriorDataConfig) -> dict[str, dict[str, str]]:
    """Of each piece, by their fields."""
    if not config.labels:
        return {}
    rows = map(json.loads, existing(config.labels, "labels", "data").read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["labels"] for row in rows}


def _beat_frames(
    labels: Sequence[str], rows: Mapping[str, Mapping[str, str]], field: str, rate: Fraction
) -> list[float]:
    """Of each label, coarsest frames in a beat, 0 of other fields than ``field``; none without a field.

    Raises: ValueError when no label is of that field, or one is no tempo.
    """
    if not field:
        return []
    tempos = {row[field] for row in rows.values() if field in row}
    if not tempos.intersection(labels):
        raise ValueError(f"data.beat_field is {field}, which no label is of: name one of data.label_fields, or none")
    return [_beat_seconds(label) * float(rate) if label in tempos else 0.0 for label in labels]


def _beat_seconds(label: str) -> float:
    """Of a tempo such as "88 bpm". Raises: ValueError."""
    number, _, unit = label.partition(" ")
    if unit != "bpm" or not number.replace(".", "", 1).isdigit() or not float(number):
        raise ValueError(f"{label!r} is no tempo: labels of data.beat_field are such as '88 bpm'")
    return 60 / float(number)
