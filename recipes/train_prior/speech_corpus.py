"""Utterances with codes, symbols and durations, and batches of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import torch

from audiovq.data.item_random import item_seed
from audiovq.data.length_batches import packed
from audiovq.data.symbol_tables import Aligned, read_alignments
from audiovq.data.text.config import TextConfig
from audiovq.priors.condition import UNKNOWN, TextInputs
from audiovq.priors.levels import CodeLevels
from audiovq.priors.sampling import ItemRandom
from audiovq.tokens import TokenTable
from recipes.schema import PriorDataConfig
from recipes.train_prior.batches import PriorBatch, existing, padded, same_layout


@dataclass(frozen=True, eq=False)
class Utterance:
    """Shapes: levels[l] (K_l, N_l), symbols and durations (S,), voice (F,)."""

    utt_id: str
    speaker: int
    language: int
    levels: tuple[np.ndarray, ...]
    symbols: np.ndarray
    durations: np.ndarray
    voice: np.ndarray
    seconds: float

    @property
    def num_coarse(self) -> int:
        return self.levels[0].shape[1]


class SpeechCorpus:
    """All that a training reads, in memory.

    Raises: ValueError naming what does not fit together; FileNotFoundError naming the stage that makes a file.
    """

    def __init__(self, config: PriorDataConfig) -> None:
        self.config = config
        tables = [TokenTable(folder) for folder in config.tokens]
        self.layout = same_layout(tables)
        self.levels = CodeLevels.of(self.layout.hop_lengths, self.layout.codebook_sizes, self.layout.num_codebooks)
        self.text = TextConfig(**json.loads(existing(config.text, "text", "prepare").read_text(encoding="utf-8")))
        aligned = {
            split: read_alignments(existing(getattr(config, name), name, "align"))
            for split in ("train", "valid")
            for name in (f"{split}_alignments",)
        }
        spoken: dict[str, list[str]] = {}
        for row in aligned["train"]:
            spoken.setdefault(row.speaker, []).append(row.language)
        self.speakers = sorted(spoken)
        self.speaker_languages = [max(set(spoken[name]), key=spoken[name].count) for name in self.speakers]
        self.languages = sorted({language for languages in spoken.values() for language in languages})
        told = pq.read_table(existing(config.voices, "voices", "voices")).to_pylist()
        voices = {row["utt_id"]: np.array(row["voice"], np.float32) for row in told}
        self.voice_size = len(next(iter(voices.values())))
        self.train, self.valid = (list(self._utterances(aligned[split], tables, voices)) for split in aligned)
        self._by_speaker = {
            speaker: [u for u in self.train if u.speaker == speaker] for speaker in range(len(self.speakers))
        }

    def _utterances(
        self, rows: Sequence[Aligned], tables: Sequence[TokenTable], voices: dict[str, np.ndarray]
    ) -> Iterator[Utterance]:
        numbers = {symbol: number for number, symbol in enumerate(self.text.symbols)}
        for row in rows:
            utt_id, speaker, language, durations = row.utt_id, row.speaker, row.language, row.durations
            table = next((table for table in tables if utt_id in table), None)
            if table is None:
                raise ValueError(f"{utt_id} is aligned, but in none of the tables {', '.join(self.config.tokens)}")
            if speaker not in self.speakers or language not in self.languages:
                continue  # of the valid split: the networks have no place for them
            if utt_id not in voices:
                raise ValueError(
                    f"{utt_id} has no voice in {self.config.voices}: run the recipe's stage 'voices' again"
                )
            entry = table.entry(utt_id)
            levels = tuple(self.layout.matrix(entry, level).T for level in range(self.layout.num_levels))
            if row.num_frames != levels[-1].shape[1] or entry.num_channels != 1:
                raise ValueError(
                    f"{utt_id}: durations sum to {row.num_frames} frames of {levels[-1].shape[1]}, in "
                    f"{entry.num_channels} channel(s): were other codes aligned?"
                )
            yield Utterance(
                utt_id,
                self.speakers.index(speaker),
                self.languages.index(language),
                levels,
                np.array([numbers[symbol] for symbol in row.symbols], np.int64),
                durations,
                voices[utt_id],
                entry.num_samples / self.layout.sample_rate,
            )

    def batches(self, seed: int, epoch: int) -> list[list[Utterance]]:
        """Those of an epoch, of utterances of like length: a pure function of its arguments."""
        drawn = random.Random(f"{seed} {epoch}")
        shuffled = sorted(self.train, key=lambda u: u.utt_id)
        drawn.shuffle(shuffled)
        batches: list[list[Utterance]] = []
        pool = 20 * max(1, round(self.config.batch_seconds / 2))  # utterances among which like ones are found
        for start in range(0, len(shuffled), pool):
            near = sorted(shuffled[start : start + pool], key=lambda u: u.num_coarse)
            batches += pack(near, self.config.batch_seconds)
        drawn.shuffle(batches)
        return batches

    def valid_batches(self) -> list[list[Utterance]]:
        """Those that a validation looks at."""
        return pack(sorted(self.valid, key=lambda utterance: utterance.num_coarse), self.config.batch_seconds)

    def cost(self, batch: Sequence[Utterance]) -> float:
        """What grows with the memory that a batch needs."""
        return len(batch) * max(utterance.seconds for utterance in batch)

    def collate(self, items: Sequence[Utterance], seed: int, epoch: int | None) -> PriorBatch[TextInputs]:
        """A batch; with an epoch it is for training: voices are drawn, and conditions hidden, at random."""
        picked = list(items) or self.train[:1]
        seeds = [item_seed(seed, epoch, u.utt_id) for u in picked]
        num_coarse = torch.tensor([u.num_coarse for u in picked])
        codes = [
            padded([torch.from_numpy(u.levels[level].astype(np.int64)) for u in picked])
            for level in range(self.levels.num_levels)
        ]
        speakers, voices, dropped = [], [], []
        for u, own in zip(picked, seeds, strict=True):
            drawn = ItemRandom(own, "condition")
            named = epoch is None or drawn.uniform() >= self.config.voice_share
            others = self._by_speaker[u.speaker]
            other = others[int(drawn.uniform() * len(others))] if others else u
            speakers.append(u.speaker if named else UNKNOWN)
            voices.append(torch.from_numpy(other.voice))
            dropped.append(epoch is not None and drawn.uniform() < self.config.hidden_share)
        inputs = TextInputs(
            symbols=padded([torch.from_numpy(u.symbols) for u in picked]),
            num_symbols=torch.tensor([len(u.symbols) for u in picked]),
            durations=padded([torch.from_numpy(u.durations) for u in picked]),
            speakers=torch.tensor(speakers),
            languages=torch.tensor([u.language for u in picked]),
            voices=torch.stack(voices),
            dropped=torch.tensor(dropped),
        )
        seconds = sum(u.seconds for u in items)
        num_valid = int(num_coarse.sum()) if items else 0
        return PriorBatch(codes, num_coarse * bool(items), inputs, torch.tensor(seeds), num_valid, seconds)


def pack(utterances: Sequence[Utterance], batch_seconds: float) -> list[list[Utterance]]:
    """Neighbours in batches that are at most so long with their padding, but hold one utterance at least."""
    batches = packed(range(len(utterances)), [u.seconds for u in utterances], batch_seconds)
    return [[utterances[index] for index in batch] for batch in batches]
