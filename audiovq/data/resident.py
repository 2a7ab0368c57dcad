"""A whole corpus in the memory of the device that trains: no file is read again, and no process waits for another.

Where a GPU takes many batches a second, reading recordings is what takes the time. An hour at 16 kHz is 115 MB here.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchaudio.functional import resample

from audiovq.audio.io import to_pcm16
from audiovq.data.item_random import item_seed
from audiovq.data.length_batches import length_batches
from audiovq.data.loader import Batch
from audiovq.units import num_frames, padded_samples, resampled_length

SHORTEST_SECONDS = 0.5  # of what is left at the ends of a recording that is cut into windows


@dataclass(frozen=True)
class Stretch:
    """Samples of the corpus that are heard as one item, and the speed that they are played at, in percent."""

    first: int
    num_samples: int
    percent: int
    key: str


class ResidentCorpus:
    """Recordings of one rate, end to end in one tensor of 16-bit samples."""

    def __init__(self, recordings: Iterable[tuple[str, Tensor]], sample_rate: int, device: torch.device) -> None:
        """Take the recordings in: names and waves, each (C, T) float32, all of as many channels."""
        self.sample_rate = sample_rate
        self.places: list[tuple[str, int, int]] = []
        parts, first = [], 0
        for name, wave in recordings:
            parts.append(to_pcm16(wave))
            self.places.append((name, first, wave.shape[1]))
            first += wave.shape[1]
        self.sound = torch.cat(parts, dim=1).to(device)

    @property
    def seconds(self) -> float:
        return self.sound.shape[1] / self.sample_rate

    def epoch_batches(
        self, window_seconds: float, batch_seconds: float, speeds: Sequence[float], seed: int, epoch: int
    ) -> list[list[Stretch]]:
        """All that there is, in windows that lie elsewhere each epoch; the items of a batch have one speed.

        A pure function of its arguments, so a run can go on in the middle of an epoch.
        """
        drawn = random.Random(f"{seed} {epoch} windows")
        windows = [
            (f"{name} {first}", first, size)
            for name, start, length in self.places
            for first, size in self._windows(start, length, round(window_seconds * self.sample_rate), drawn)
        ]
        lengths = [size / self.sample_rate for _, _, size in windows]
        batches = []
        for indices in length_batches(lengths, batch_seconds, seed, epoch):
            percent = round(100 * drawn.choice(speeds))
            batches.append([Stretch(windows[i][1], windows[i][2], percent, windows[i][0]) for i in indices])
        return batches

    def _windows(self, start: int, length: int, size: int, drawn: random.Random) -> Iterator[tuple[int, int]]:
        """First samples and sizes of the windows of one recording, the first of them cut somewhere."""
        shortest = min(round(SHORTEST_SECONDS * self.sample_rate), size // 4)
        if length <= size:
            yield start, length
            return
        cut = drawn.randrange(size)
        edges = [0, *range(cut, length, size), length]
        for begin, end in itertools.pairwise(edges):
            if end - begin >= shortest:
                yield start + begin, end - begin

    def load(self, shares: Sequence[Sequence[Stretch]], hop_length: int, seed: int, epoch: int) -> Iterator[Batch]:
        """The batches of given shares, each padded to whole frames of ``hop_length``; an empty one is silence."""
        for share in shares:
            yield self._batch(share, hop_length, seed, epoch)

    def _batch(self, share: Sequence[Stretch], hop_length: int, seed: int, epoch: int) -> Batch:
        device = self.sound.device
        longest = max((stretch.num_samples for stretch in share), default=1)
        sizes = torch.tensor([stretch.num_samples for stretch in share] or [0]).to(device)[:, None]
        first = torch.tensor([stretch.first for stretch in share] or [0]).to(device)[:, None]
        place = torch.arange(longest, device=device)
        wave = self.sound[:, (first + place).clamp(max=self.sound.shape[1] - 1)] * (place < sizes) / 32768
        percent = share[0].percent if share else 100
        if percent != 100:  # played at 92 % of the speed, 92 samples become 100
            wave = resample(wave, percent, 100)
        samples = [resampled_length(stretch.num_samples, percent, 100) for stretch in share]
        wave = torch.nn.functional.pad(wave, (0, padded_samples(wave.shape[2], hop_length) - wave.shape[2]))
        frames = [num_frames(size, hop_length) for size in samples] or [0]
        seeds = [item_seed(seed, epoch, stretch.key) for stretch in share] or [0]
        seconds = sum(samples) / self.sample_rate
        return Batch(wave.transpose(0, 1), torch.tensor(frames), torch.tensor(seeds), sum(frames), seconds)
