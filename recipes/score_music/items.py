"""What is scored: generated sounds, stretches of real ones as long, and the sound of random codes."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
import torch
from torch import Tensor

import audiovq
from audiovq.audio import io
from audiovq.data.kaldi import Sound
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.piece import measure_piece
from audiovq.metrics.music.seam import seam
from audiovq.metrics.music.tagger import DIMENSIONS, Tagger
from audiovq.metrics.score_file import Scores


@dataclass(frozen=True)
class Item:
    """One thing to listen to: a file, a part of one, or (without a path) the codes that `seed` draws.

    `piece` is what it is part of: parts of one piece are on one side when real music is halved. `file` tells whether
    the file is still the one that was scored.
    """

    name: str
    piece: str
    path: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    seed: int = 0

    @property
    def file(self) -> tuple[int, int]:
        if not self.path:
            return 0, 0
        stat = Path(self.path).stat()
        return stat.st_size, stat.st_mtime_ns


def whole_files(sounds: Mapping[str, Path], num_items: int, seed: int) -> list[Item]:
    """So many of the files, evenly drawn; 0 takes all."""
    return _drawn([Item(name, name, str(path)) for name, path in sorted(sounds.items())], num_items, seed)


def stretches(sounds: Mapping[str, Path], seconds: float, num_items: int, seed: int) -> list[Item]:
    """So many stretches of the files, evenly drawn from all that follow each other there; 0 takes all.

    Raises: ValueError if no file is that long.
    """
    found = []
    for name, path in sorted(sounds.items()):
        for number in range(int(_seconds(path) / seconds)):
            start = number * seconds
            found.append(Item(f"{name}@{start:g}", name, str(path), start, start + seconds))
    if not found:
        raise ValueError(f"none of the {len(sounds)} real sounds lasts {seconds:g} s: set --seconds")
    return _drawn(found, num_items, seed)


def random_codes(seconds: float, num_items: int, seed: int) -> list[Item]:
    """So many sequences of codes, each code drawn evenly from its codebook."""
    names = [f"codes-{number}" for number in range(num_items)]
    return [Item(name, name, "", 0.0, seconds, seed + number) for number, name in enumerate(names)]


def median_seconds(items: Sequence[Item]) -> float:
    """The usual length of files, rounded down: what is as long has a stretch of it."""
    return math.floor(100 * median(_seconds(Path(item.path)) for item in items)) / 100


@dataclass(frozen=True)
class Settings:
    """How items are scored. noise_model: whose codes are drawn. seam_seconds: where a primer ends."""

    seam_seconds: float | None = None
    noise_model: str = ""
    embeds: bool = True


class MusicScorer:
    """Reads and measures one item after another. Raises: ModuleNotFoundError, ValueError for the package musicnn."""

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(1)
        self._settings = settings
        self._tagger = Tagger() if settings.embeds else None
        self._tokenizer: audiovq.Tokenizer | None = None

    def __call__(self, item: Item) -> Scores:
        """A line of the score file; or, under "failed", why there is none."""
        try:
            wave, sample_rate = self._wave(item)
        except (io.AudioError, OSError) as error:
            return {"utterance": item.name, "failed": str(error)}
        values, reasons = measure_piece(wave, sample_rate)
        scores: Scores = {
            "utterance": item.name,
            "piece": item.piece,
            "file": item.file,
            **values,
            "not_measurable": reasons,
        }
        if self._settings.seam_seconds is not None:
            try:
                found = seam(wave, sample_rate, self._settings.seam_seconds)
                scores["seam"] = asdict(found) | {"worst_db": found.worst_db, "excess_db": found.excess_db}
            except NotMeasurableError as error:
                reasons["seam"] = str(error)
        if self._tagger is not None:
            try:
                embedded = self._tagger.embed(wave, sample_rate)
                scores["embeddings"] = base64.b64encode(embedded.numpy().astype("<f4").tobytes()).decode()
            except NotMeasurableError as error:
                reasons["embeddings"] = str(error)
        return scores

    def _wave(self, item: Item) -> tuple[Tensor, int]:
        """Mono. Shape: (T,)"""
        if item.path:
            wave, sample_rate = Sound(item.name, item.path, item.start_seconds, item.end_seconds).read()
            return wave.mean(0), sample_rate
        if self._tokenizer is None:
            self._tokenizer = audiovq.load(self._settings.noise_model)
        assert item.end_seconds is not None
        return decoded_noise(self._tokenizer, item.end_seconds, item.seed), self._tokenizer.sample_rate


def decoded_noise(tokenizer: audiovq.Tokenizer, seconds: float, seed: int) -> Tensor:
    """The sound of codes that are drawn evenly from their codebooks. Shape: -> (T,)"""
    generator = torch.Generator().manual_seed(seed)
    silence = tokenizer.encode(torch.zeros(1, round(seconds * tokenizer.sample_rate)), tokenizer.sample_rate)
    levels = tuple(
        torch.randint(size, codes.shape, generator=generator)
        for codes, size in zip(silence.levels, silence.codebook_sizes, strict=True)
    )
    return tokenizer.decode(audiovq.Codes(**(vars(silence) | {"levels": levels})))[0]


def embeddings(scores: Scores) -> Tensor:
    """Those that a line of the score file holds. Shape: (W, DIMENSIONS)"""
    content = base64.b64decode(scores.get("embeddings", ""))
    return torch.from_numpy(np.frombuffer(content, "<f4").astype(np.float32)).view(-1, DIMENSIONS)


def _seconds(path: Path) -> float:
    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} is not a sound file that libsndfile can read") from error


def _drawn(items: Sequence[Item], num_items: int, seed: int) -> list[Item]:
    if not 0 < num_items < len(items):
        return list(items)
    chosen = np.random.default_rng(seed).choice(len(items), num_items, replace=False)
    return [items[number] for number in sorted(chosen.tolist())]
