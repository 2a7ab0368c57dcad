"""Audio as callers have it, a file or an array, as blocks of floats: constant memory for any length."""

import math
import os
from collections.abc import Iterator

from torch import Tensor

from audiovq.audio.io import AudioReader
from audiovq.audio.resample import Resampler
from audiovq.audio.waveform import Waveform, as_floats, as_wave
from audiovq.units import seconds_to_samples

Audio = str | os.PathLike[str] | Waveform


def blocks_at(audio: Audio, sample_rate: int | None, to_rate: int, seconds: float) -> Iterator[Tensor]:
    """The audio at ``to_rate``, taken in by so many ``seconds`` at a time, which moves memory and never the result.

    Shape: (C, n) each
    Raises: AudioError for a file that cannot be read, ValueError for a waveform that is none.
    """
    if isinstance(audio, (str, os.PathLike)):
        if sample_rate is not None:
            raise ValueError(f"sample_rate={sample_rate} was given for the file {audio}, which states its own rate")
        with AudioReader(audio) as reader:
            size = block_samples(seconds, reader.sample_rate)
            blocks = (reader.read(size) for _ in range(-(-reader.num_samples // size)))
            yield from _resampled(blocks, reader.sample_rate, to_rate)
        return
    if sample_rate is None:
        raise ValueError("a waveform needs its sample_rate, as in encode(wave, sample_rate=16000)")
    parts = as_wave(audio).split(block_samples(seconds, sample_rate), dim=1)
    yield from _resampled(map(as_floats, parts), sample_rate, to_rate)


def block_samples(seconds: float, sample_rate: int) -> int:
    """Samples of a block. Raises: ValueError for seconds that are none."""
    if not 0 < seconds < math.inf:
        raise ValueError(f"chunk_seconds is {seconds}, expected a positive number of seconds")
    return max(1, seconds_to_samples(seconds, sample_rate))


def _resampled(blocks: Iterator[Tensor], from_rate: int, to_rate: int) -> Iterator[Tensor]:
    resampler = Resampler(from_rate, to_rate)
    yield from map(resampler.push, blocks)
    yield resampler.flush()
