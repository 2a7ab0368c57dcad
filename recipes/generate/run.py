"""Speak, listen, and write down the scores."""

from __future__ import annotations

import json
import math
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING
from rich.progress import track
from torch import Tensor

from audiovq.audio.io import AudioWriter
from audiovq.codes import Codes
from audiovq.data.symbol_tables import read_alignments
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.text import cer
from audiovq.pretrained import PRIOR, find, folder_hash
from audiovq.priors.sampling import Sampling
from audiovq.speech.spoken import Spoken
from audiovq.speech.synthesis import Line, Synthesizer, load_synthesizer
from audiovq.system.files import write_atomically
from audiovq.tokens import TokenTable
from recipes.generate.report import markdown, summarise

_BATCHES = 4  # are made before the first of them is scored: sentences of alike lengths go together


@dataclass(kw_only=True)
class GenerateConfig:
    """Settings of recipes/generate."""

    model: str = MISSING  # a bundled speech prior or its folder
    tokenizer: str = ""  # of the prior's codes, if it is not a bundled one
    vocoder: str = ""  # as for audiovq decode
    sentences: str = MISSING  # a symbols_*.parquet of recipes.prepare_tts
    tables: list[str] = MISSING  # token tables with the sentences' recordings
    alignments: str = ""  # an alignments_*.parquet of recipes.align: with it, how likely the recordings are is told too
    output_dir: str = MISSING
    speakers: list[str] = field(default_factory=list)  # none means all of the prior's
    languages: list[str] = field(default_factory=list)  # none means all; name those that the recogniser knows well
    max_sentences_per_speaker: int = 0  # 0 is no limit
    recogniser: str = PACKAGED  # or a folder or name for faster-whisper; empty: nobody listens
    num_threads: int = 1
    sampling: Sampling = field(default_factory=Sampling)


def generate(config: GenerateConfig) -> None:
    """Raises: ValueError (ModelError, TokenTableError, ScoreFileError) if settings, data or older scores do not fit."""
    torch.set_num_threads(config.num_threads)
    synthesizer = load_synthesizer(config.model, config.tokenizer or None, config.vocoder or None)
    rows = chosen(pq.read_table(config.sentences).to_pylist(), config, synthesizer)
    out = Path(config.output_dir)
    for folder in ("sounds", "codes"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    settings = {
        "sampling": asdict(config.sampling),
        "recogniser": config.recogniser,
        "alignments": config.alignments,
    }
    subject = {
        "model": folder_hash(find(config.model, PRIOR)),
        "vocoder": synthesizer.tokenizer.vocoder_name,
        **settings,
    }
    file = ScoreFile(out / "scores.jsonl", subject)
    todo = [row for row in rows if row["utt_id"] not in file.scores]
    print(f"{len(rows)} sentences, {len(rows) - len(todo)} of them scored before")
    if todo:
        scorer = Scorer(config, synthesizer)
        for row, made in track(scorer.spoken(todo), description="sentences", total=len(todo)):
            file.add(scorer.score(row, made, out))
    scores = [file.scores[row["utt_id"]] for row in rows]
    summary = summarise(scores, subject)
    command = f"python -m recipes.generate {shlex.join(sys.argv[1:])}"
    with write_atomically(out / "summary.json") as target:
        target.write((json.dumps(summary, indent=2) + "\n").encode())
    text = markdown(summary, command)
    with write_atomically(out / "RESULTS.md") as target:
        target.write(text.encode())
    print(text)


def chosen(rows: Sequence[dict[str, Any]], config: GenerateConfig, synthesizer: Synthesizer) -> list[dict[str, Any]]:
    """The sentences to speak. Raises: ValueError for a speaker who is not there, or when no sentence is left."""
    known = synthesizer.speakers
    if unknown := sorted(set(config.speakers) - set(known)):
        raise ValueError(f"{synthesizer.name} has no speaker {', '.join(unknown)}; it has {', '.join(known)}")
    wanted = config.speakers or list(known)
    found: list[dict[str, Any]] = []
    for speaker in wanted:
        own = [
            row
            for row in rows
            if row["speaker"] == speaker and row["language"] in (config.languages or [row["language"]])
        ]
        found += own[: config.max_sentences_per_speaker or None]
    if not found:
        languages = f" in {', '.join(config.languages)}" if config.languages else ""
        raise ValueError(f"{config.sentences} has no sentence of {', '.join(wanted)}{languages}")
    return found


@dataclass(frozen=True)
class Made:
    """What was made of a sentence, and its part of the time that a batch took."""

    pieces: list[Spoken]
    codes_took_seconds: float


class Scorer:
    """Speaks one sentence after another and measures what came out."""

    def __init__(self, config: GenerateConfig, synthesizer: Synthesizer) -> None:
        self.config, self.synthesizer = config, synthesizer
        self.tables = [TokenTable(folder) for folder in config.tables]
        aligned = read_alignments(Path(config.alignments)) if config.alignments else []
        self.is_masked = any(network.config.kind == "masked" for network in synthesizer.prior.networks)
        self.aligned = {row.utt_id: row for row in aligned}
        self.recogniser = Recogniser(config.recogniser, num_threads=config.num_threads) if config.recogniser else None

    def spoken(self, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Made]]:
        """Sentences with their codes, which are made so many together that one call works on a few batches."""
        size = _BATCHES * self.config.sampling.batch
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            lines = [
                Line(row["text"], self.synthesizer.voice(row["speaker"], row["language"]), row["utt_id"])
                for row in chosen
            ]
            begin = time.perf_counter()
            made = self.synthesizer.speak_all(lines, self.config.sampling)
            took = time.perf_counter() - begin
            samples = [sum(piece.codes.num_samples for piece in pieces) for pieces in made]
            for row, pieces, num_samples in zip(chosen, made, samples, strict=True):
                yield row, Made(pieces, took * num_samples / sum(samples))

    def score(self, row: dict[str, Any], made: Made, folder: Path) -> Scores:
        """The scores of a sentence; its sound and its codes go into the folder."""
        rate = self.synthesizer.sample_rate
        table = next((table for table in self.tables if row["utt_id"] in table), None)
        if table is None:
            raise ValueError(f"{row['utt_id']} is in none of the tables {', '.join(self.config.tables)}")
        recorded_codes, codes = table[row["utt_id"]], joined([piece.codes for piece in made.pieces])
        recorded = self.synthesizer.tokenizer.decode(recorded_codes)
        start = time.perf_counter()
        sound = torch.cat([self.synthesizer.tokenizer.decode(piece.codes) for piece in made.pieces], dim=1)
        end = time.perf_counter()
        name = row["utt_id"].replace("/", "_")
        with AudioWriter(folder / "sounds" / f"{name}.wav", rate, num_channels=1) as writer:
            writer.write(sound)
        codes.save(folder / "codes" / f"{name}.avq")
        return {
            "utterance": row["utt_id"],
            "speaker": row["speaker"],
            "language": row["language"],
            "text": row["text"],
            "seconds": sound.shape[1] / rate,
            "recorded_seconds": recorded.shape[1] / rate,
            "codes_took_seconds": made.codes_took_seconds,
            "sound_took_seconds": end - start,
            "log_probability": sum(piece.log_probability for piece in made.pieces) / len(made.pieces),
            "bits_per_second": self._bits_per_second(row, made),
            "recorded_bits_per_second": self._recorded_bits_per_second(row, recorded_codes),
            "similarity": self._similarity(recorded, sound),
            "spoken": self._heard(sound, row),
            "reconstructed": self._heard(recorded, row),
        }

    def _heard(self, sound: Tensor, row: dict[str, Any]) -> dict[str, Any] | None:
        if self.recogniser is None:
            return None
        heard = self.recogniser.transcribe(sound[0], self.synthesizer.sample_rate, row["language"])
        errors = cer(row["text"], heard)
        return {"heard": heard, "num_errors": errors.num_errors, "num_reference": errors.num_reference}

    def _bits_per_second(self, row: dict[str, Any], made: Made) -> float | None:
        """Without guidance and temperature, so that it can be held against that of recordings."""
        if self.is_masked:
            return None
        nats = seconds = 0.0
        found = self.synthesizer.pieces(row["text"], row["language"])
        for number, (piece, (_, symbols)) in enumerate(zip(made.pieces, found, strict=True)):
            voice, item = self.synthesizer.voice(row["speaker"], row["language"]), (row["utt_id"], number)
            inputs, _ = self.synthesizer.stretched(symbols, voice, self.config.sampling, item)
            nats += sum(self.synthesizer.prior.nats(inputs, piece.codes.levels))
            seconds += piece.codes.duration_seconds
        return nats / math.log(2) / seconds

    def _recorded_bits_per_second(self, row: dict[str, Any], codes: Codes) -> float | None:
        aligned = self.aligned.get(row["utt_id"])
        if aligned is None or self.is_masked:
            return None
        symbols = self.synthesizer.prior.config.symbols
        if unknown := sorted(set(aligned.symbols) - set(symbols)):
            raise ValueError(f"{self.config.alignments}: {self.synthesizer.name} does not know {', '.join(unknown)}")
        numbers, durations = [symbols.index(symbol) for symbol in aligned.symbols], torch.from_numpy(aligned.durations)
        voice = self.synthesizer.voice(row["speaker"], row["language"])
        inputs = self.synthesizer.inputs(numbers, voice, [durations[None].long()])
        return sum(self.synthesizer.prior.nats(inputs, codes.levels)) / math.log(2) / codes.duration_seconds

    def _similarity(self, recorded: Tensor, sound: Tensor) -> float | None:
        length = min(recorded.shape[1], sound.shape[1])  # of two sentences that differ: not of the same moment
        try:
            return speaker_similarity(recorded[0, :length], sound[0, :length], self.synthesizer.sample_rate)
        except NotMeasurableError:
            return None


def joined(parts: Sequence[Codes]) -> Codes:
    """Codes of whole coarsest frames, one after the other."""
    levels = tuple(torch.cat(level, dim=1) for level in zip(*(part.levels for part in parts), strict=True))
    return replace(parts[0], levels=levels, num_samples=sum(part.num_samples for part in parts))


def register() -> None:
    """Make the schema known to hydra under the name that configs/generate.yaml uses."""
    ConfigStore.instance().store(name="base_generate", node=GenerateConfig)
