"""What is to be played, and where in a piece: the condition of all music priors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList
from audiovq.priors.condition import UNKNOWN
from audiovq.priors.levels import CodeLevels

_NEAR_TERMS, _FAR_TERMS = 12, 5  # cosines that tell how near an end is, and what is told of the whole
_LONGEST_FRAMES = 1 << 15
_PERIODS = (4.0, 2.0, 1.0, 0.5, 0.25)  # of the beat clock, in beats


@dataclass(kw_only=True)
class MusicConditionConfig:
    """Sizes, those of time in coarsest frames.

    num_labels: of the inventory. near_frames: within which the distance to an end is told. window_frames: what a
    network has learnt to see at a time. beat_frames: of each label, how long a beat lasts in the music that it names, 0
    where it tells no tempo; empty: there is no beat clock.
    """

    num_labels: int = 0
    near_frames: int = 200
    window_frames: int = 125
    beat_frames: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.beat_frames and (len(self.beat_frames) != self.num_labels or min(self.beat_frames) < 0):
            raise ValueError(
                f"beat_frames are {self.beat_frames}, expected none, or one of at least 0 for each of "
                f"{self.num_labels} labels"
            )


@dataclass
class MusicInputs:
    """Stretches of pieces of music.

    Shapes: labels (B, R) int64, as many as there are, then UNKNOWN; starts and totals (B,) int64, the coarsest frame
    of its piece that an item begins with, and those that the piece has, as far as it is told; dropped (B,) bool, items
    whose labels are hidden, or None; true_starts (B,) int64, what beats are counted by where ``starts`` is inexact.
    """

    labels: Tensor
    starts: Tensor
    totals: Tensor
    dropped: Tensor | None = None
    true_starts: Tensor | None = None

    def with_hidden_copy(self) -> MusicInputs:
        """Of one item: the item, and once more with its labels hidden, as guidance needs."""
        return MusicInputs(
            labels=self.labels.repeat(2, 1),
            starts=self.starts.repeat(2),
            totals=self.totals.repeat(2),
            dropped=torch.tensor([False, True]),
            true_starts=None if self.true_starts is None else self.true_starts.repeat(2),
        )


class MusicCondition(nn.Module):
    """The sum of the labels, the place of each frame in its piece, so that pieces begin and end, and in its beat.

    Source: Dhariwal et al. 2020, Jukebox, section 4.1 (a bag of labels) and 4.2 (timing).
    """

    def __init__(self, config: MusicConditionConfig, width: int, levels: CodeLevels, wanted: Sequence[int]) -> None:
        super().__init__()
        self.near_frames = config.near_frames
        self.factors = [levels.factors[level] for level in wanted]
        self.labels = nn.Embedding(config.num_labels + 1, width)  # the last: nothing is known
        size = 2 * (_NEAR_TERMS + _FAR_TERMS)
        self.place = nn.Sequential(nn.Linear(size, width), nn.GELU(), nn.Linear(width, width))
        self.phases = ModuleList[nn.Embedding](nn.Embedding(factor, width) for factor in self.factors)
        for table in (self.labels, *self.phases):
            nn.init.normal_(table.weight, std=0.1)
        self.clock = BeatClock(config.beat_frames, width) if config.beat_frames else None

    def forward(self, inputs: MusicInputs, mask: FrameMask) -> list[Tensor]:
        """Features of each wanted level. Shape: mask of N_0 coarsest frames -> [(B, D, N_l), ...]."""
        num_coarse = mask.valid.shape[1]
        coarse = self._labels(inputs)[:, None] + self.place(self._places(inputs, num_coarse))
        features = []
        for factor, phases in zip(self.factors, self.phases, strict=True):
            rows = coarse.repeat_interleave(factor, dim=1) + phases.weight.repeat(num_coarse, 1)
            if self.clock is not None:
                rows = rows + self.clock(inputs, num_coarse, factor)
            features.append(rows.transpose(1, 2))
        return features

    def _labels(self, inputs: MusicInputs) -> Tensor:
        there = _told(inputs)
        nothing = self.labels.num_embeddings - 1
        found = (self.labels(inputs.labels.clamp(min=0)) * there[..., None]).sum(1)
        return torch.where(there.any(1)[:, None], found, self.labels.weight[nothing])

    def _places(self, inputs: MusicInputs, num_coarse: int) -> Tensor:
        """Shape: -> (B, N_0, F), smooth functions of the time since the beginning, until the end, and of the whole."""
        elapsed = inputs.starts[:, None] + torch.arange(num_coarse, device=inputs.starts.device)
        totals = inputs.totals[:, None].clamp(min=1).float()
        left = (inputs.totals[:, None] - 1 - elapsed).clamp(min=0)
        near = [(distance / self.near_frames).clamp(max=1.0) for distance in (elapsed, left)]
        whole = (totals.log1p() / math.log1p(_LONGEST_FRAMES)).expand_as(near[0])
        far = [(elapsed / totals).clamp(max=1.0), whole]
        return torch.cat([*(_cosines(x, _NEAR_TERMS) for x in near), *(_cosines(x, _FAR_TERMS) for x in far)], dim=2)


class BeatClock(nn.Module):
    """Where in a beat, and in four of them, each frame is, of items whose labels tell a tempo.

    Beats are counted from the beginning of the piece; of two tempos the slower one counts. It begins without a say.
    """

    beat_frames: Tensor
    periods: Tensor

    def __init__(self, beat_frames: Sequence[float], width: int) -> None:
        super().__init__()
        self.register_buffer("beat_frames", torch.tensor(beat_frames), persistent=False)
        self.register_buffer("periods", torch.tensor(_PERIODS), persistent=False)
        last = nn.Linear(width, width, bias=False)
        nn.init.zeros_(last.weight)
        self.place = nn.Sequential(nn.Linear(2 * len(_PERIODS), width), nn.GELU(), last)

    def forward(self, inputs: MusicInputs, num_coarse: int, factor: int) -> Tensor:
        """Features of a level with ``factor`` frames in a coarsest one. Shape: -> (B, N_0 * factor, D)."""
        lasts = (self.beat_frames[inputs.labels.clamp(min=0)] * _told(inputs)).amax(1)[:, None]
        starts = inputs.starts if inputs.true_starts is None else inputs.true_starts
        frames = starts[:, None] + torch.arange(num_coarse * factor, device=starts.device) / factor
        beats = frames / lasts.clamp(min=1e-3)
        turns = 2 * math.pi * (beats[..., None] / self.periods).frac()
        found: Tensor = self.place(torch.cat([turns.cos(), turns.sin()], dim=2))
        return found * (lasts > 0)[..., None]


def _told(inputs: MusicInputs) -> Tensor:
    """Which labels an item is told. Shape: (B, R) bool."""
    there = inputs.labels != UNKNOWN
    return there if inputs.dropped is None else there & ~inputs.dropped[:, None]


def _cosines(x: Tensor, number: int) -> Tensor:
    """Shape: (...) of [0, 1] -> (..., number)."""
    return (math.pi * x[..., None] * torch.arange(1, number + 1, device=x.device)).cos()
