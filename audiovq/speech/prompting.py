"""How long each symbol of a spoken prompt lasts, as far as can be told without an aligner."""

from __future__ import annotations

import torch
from torch import Tensor

from audiovq.priors.durations import fitted
from audiovq.priors.voice import QUIETEST_NATS


def spread(forecast: Tensor, mel: Tensor, num_frames: int) -> Tensor:
    """Forecast durations over a recording: its silent ends are those of the first and the last symbol.

    Shape: forecast (1, S), mel (M, N) in nats -> (1, S) int64 that sum to num_frames.
    """
    loudness = mel.mean(0)
    heard = (loudness >= loudness.max() - QUIETEST_NATS).nonzero()[:, 0]
    per_frame = mel.shape[1] / num_frames
    before = int(int(heard[0]) / per_frame)
    after = num_frames - min(num_frames, -int(-(int(heard[-1]) + 1) // per_frame))
    inner = forecast[:, 1:-1]
    if inner.shape[1] == 0 or int(inner.sum()) == 0 or num_frames - before - after < 1:
        return fitted(forecast, num_frames)
    ends = (torch.tensor([[before]]), fitted(inner, num_frames - before - after), torch.tensor([[after]]))
    return torch.cat(ends, dim=1)
