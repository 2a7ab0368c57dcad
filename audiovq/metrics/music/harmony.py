"""Whether the tones of music are still those that were played."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.metrics.music.key import chroma


def chroma_correlation(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """How alike it is, moment by moment, which pitch classes are loud: 1 for the same tones, about 0 for none of them.

    Moments count by how much the pitch classes of the reference differ there: where it has tones, and in proportion to
    their loudness. Scores of spectrograms hardly hear when sounds keep their outline and lose their pitch.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when one of them is silent or shorter than a second, or has no tone.
    """
    first, second = (_centred(chroma(wave, sample_rate)) for wave in wave_pair(reference, result))
    sizes, others = np.linalg.norm(first, axis=0), np.linalg.norm(second, axis=0)
    if not sizes.sum() > 0:
        raise NotMeasurableError("no pitch class of the reference is louder than another at any moment")
    cosines = (first * second).sum(0) / np.maximum(sizes * others, np.finfo(np.float32).tiny)
    return float((cosines * sizes).sum() / sizes.sum())


def _centred(pitch_classes: np.ndarray) -> np.ndarray:
    return np.asarray(pitch_classes - pitch_classes.mean(axis=0), np.float64)
