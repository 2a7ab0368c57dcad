"""Batches of waveforms for training: lhotse cuts, bucketed by length, limited by seconds of audio."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lhotse import CutSet, load_manifest
from lhotse.cut import Cut
from lhotse.dataset import DynamicBucketingSampler, SimpleCutSampler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from audiovq.data.balance import BalanceConfig, balanced
from audiovq.data.degrade import AugmentConfig, degrade
from audiovq.data.item_random import item_seed
from audiovq.units import num_frames, padded_samples

_AS_IT_IS, _CLEAN = BalanceConfig(), AugmentConfig()


@dataclass
class Batch:
    """Shapes: wave (B, C, T), T a multiple of the hop; num_frames (B,) int, each item's own frames of that hop;
    seeds (B,) int64, from which whatever is random about an item is drawn (see item_random)."""

    wave: Tensor
    num_frames: Tensor
    seeds: Tensor
    num_valid: int  # frames in all
    audio_seconds: float


class CutWaves(Dataset[Batch]):
    """Loads the audio of a list of cuts and pads it to whole frames of ``hop_length``.

    An empty list gives one silent item of no valid frame.
    """

    def __init__(self, hop_length: int, seed: int, epoch: int, augment: AugmentConfig, num_channels: int) -> None:
        self.hop_length, self.seed, self.epoch, self.augment = hop_length, seed, epoch, augment
        self.num_channels = num_channels

    def __getitem__(self, cuts: Sequence[Cut]) -> Batch:
        seeds = [item_seed(self.seed, self.epoch, cut.id) for cut in cuts] or [0]
        waves = [
            degrade(read_channels(cut, self.num_channels), cut.sampling_rate, seed, self.augment)
            for cut, seed in zip(cuts, seeds, strict=False)
        ]
        length = max((padded_samples(wave.shape[1], self.hop_length) for wave in waves), default=self.hop_length)
        batch = torch.zeros(max(1, len(waves)), self.num_channels, length)
        for row, wave in zip(batch, waves, strict=False):
            row[:, : wave.shape[1]] = wave
        frames = [num_frames(wave.shape[1], self.hop_length) for wave in waves] or [0]
        seconds = sum(cut.duration for cut in cuts)
        return Batch(batch, torch.tensor(frames), torch.tensor(seeds), sum(frames), seconds)


def read_channels(cut: Cut, num_channels: int) -> Tensor:
    """The first channels of a recording; mono is on all that are wanted. Shape: (C, T)."""
    return torch.from_numpy(cut.load_audio())[:num_channels].float().expand(num_channels, -1)


def read_cuts(path: Path, window_seconds: float | None) -> CutSet:
    """The cuts of a split, long ones cut into windows (None: left whole) so that a batch pads little.

    Raises: FileNotFoundError naming the stage that makes the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: run the recipe's stage 'cuts' first (--stage 3)")
    cuts: CutSet = load_manifest(path)
    return (cuts.cut_into_windows(window_seconds) if window_seconds else cuts).to_eager()


def spread(cuts: CutSet, seconds: float) -> CutSet:
    """Every k-th cut, so that about ``seconds`` of audio remain from all over the set."""
    every = max(1, int(sum(cut.duration for cut in cuts) // seconds))
    return CutSet.from_cuts(cut for index, cut in enumerate(cuts) if index % every == 0)


def pick_evenly(cuts: CutSet, number: int) -> list[Cut]:
    """``number`` cuts from all over the set, or all when there are fewer."""
    listed = list(cuts)
    return listed[:: max(1, len(listed) // number)][:number]


def epoch_batches(
    cuts: CutSet,
    batch_seconds: float,
    seed: int,
    epoch: int,
    speeds: Sequence[float] = (1.0,),
    balance: BalanceConfig = _AS_IT_IS,
) -> list[list[Cut]]:
    """The batches of one epoch: a pure function of its arguments, so a run can go on in the middle of an epoch.

    Each cut is played at one of ``speeds``, drawn anew each epoch: pitch and formants move with it, so that a few
    voices stand for many. ``balance`` says whether small voices are heard more often.
    """
    drawn = random.Random(f"{seed} {epoch}")
    heard = balanced(cuts, balance, seed, epoch)
    cuts = CutSet.from_cuts(_at_speed(cut, drawn.choice(speeds)) for cut in heard)
    with warnings.catch_warnings():
        # It prefers cuts that it can stream; ours are in memory, and its eager sibling fails on small sets.
        warnings.filterwarnings("ignore", message="You are using DynamicBucketingSampler with an eagerly read")
        sampler = DynamicBucketingSampler(
            cuts,
            max_duration=batch_seconds,
            num_buckets=max(2, min(20, len(cuts) // 50)),
            shuffle=True,
            seed=seed,
            world_size=1,
            rank=0,
        )
    sampler.set_epoch(epoch)
    return [list(batch) for batch in sampler]


def _at_speed(cut: Cut, speed: float) -> Cut:
    return cut if speed == 1.0 else cut.perturb_speed(speed)


def ordered_batches(cuts: CutSet, batch_seconds: float) -> list[list[Cut]]:
    """Every cut once, in order."""
    sampler = SimpleCutSampler(cuts, max_duration=batch_seconds, shuffle=False, world_size=1, rank=0)
    return [list(batch) for batch in sampler]


def load(
    batches: Sequence[Sequence[Cut]],
    hop_length: int,
    num_workers: int = 0,
    seed: int = 0,
    epoch: int = 0,
    worker_init: Callable[[int], None] | None = None,
    augment: AugmentConfig = _CLEAN,
    num_channels: int = 1,
) -> DataLoader[Batch]:
    """Reads the audio of the given batches, in their order, ahead of their use by ``num_workers`` processes.

    What is random about an item follows from ``seed``, ``epoch`` and its cut. Each worker begins with ``worker_init``.
    """
    # A generator of its own: otherwise each start of the loader draws from the random numbers that training draws from.
    return DataLoader(
        CutWaves(hop_length, seed, epoch, augment, num_channels),
        sampler=batches,
        batch_size=None,
        num_workers=num_workers,
        generator=torch.Generator(),
        worker_init_fn=worker_init,
    )
