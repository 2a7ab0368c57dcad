"""Long pieces in parts: librosa needs megabytes for each second."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from audiovq.audio.resample import resample

_PART_SECONDS, _SHORTEST_SECONDS = 60, 10


def resampled_parts(wave: Tensor, from_rate: int, to_rate: int, hop: int) -> list[np.ndarray]:
    """The wave at another rate, in parts of a minute or so, each but the last a whole number of hops.

    Shape: (T,) -> (T_i,), at least one
    """
    wave = resample(wave[None], from_rate, to_rate)[0]
    part = _PART_SECONDS * to_rate // hop * hop
    starts = range(0, max(1, len(wave) - _SHORTEST_SECONDS * to_rate), part)  # a short rest is part of the last
    ends = [*starts[1:], len(wave)]
    return [wave[start:end].numpy() for start, end in zip(starts, ends, strict=True)]
