"""How fast codecs encode and decode, side by side in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.audio.resample import resample
from recipes.benchmark.codec import Codec, NotAvailableError
from recipes.benchmark.cost import multiply_adds, peak_bytes
from recipes.benchmark.machine import machine
from recipes.benchmark.synthetic import speech_like

FIRST_CHUNK_SECONDS = 1.0


class Coder(Protocol):
    """What is timed: it makes something of a wave at its own rate, and a wave of that again."""

    sample_rate: int

    def encode(self, wave: Tensor) -> Any:
        """Shape: (1, T) at ``sample_rate``."""

    def decode(self, encoded: Any) -> Tensor:
        """The wave again."""


@dataclass
class Timing:
    """Wall-clock seconds of each repeat."""

    encode_seconds: list[float] = field(default_factory=list)
    decode_seconds: list[float] = field(default_factory=list)


def measure(coders: Sequence[Coder], wave: Tensor, sample_rate: int, repeats: int) -> list[Timing]:
    """Time every coder on one wave, taking turns so that a slower minute of the machine hits all alike.

    Shape: wave (1, T)
    """
    waves = [resample(wave, sample_rate, coder.sample_rate) for coder in coders]
    timings = [Timing() for _ in coders]
    with torch.inference_mode():
        for repeat in range(repeats + 1):
            for coder, own_wave, timing in zip(coders, waves, timings, strict=True):
                start = perf_counter()
                encoded = coder.encode(own_wave)
                middle = perf_counter()
                coder.decode(encoded)
                end = perf_counter()
                if repeat > 0:  # the first round warms up
                    timing.encode_seconds.append(middle - start)
                    timing.decode_seconds.append(end - middle)
    return timings


def read_or_make(wav: str | None, seconds: float) -> tuple[Tensor, int, str]:
    """The wave to measure on, its rate, and what it is. Shape: -> (1, T)."""
    if wav is None:
        return speech_like(seconds, 48_000), 48_000, "a synthetic voice"
    wave, sample_rate = io.read(wav)
    return wave[:1], sample_rate, Path(wav).name


def speed(
    codecs: Mapping[str, Codec],
    missing: Mapping[str, NotAvailableError],
    wav: str | None,
    seconds: float,
    threads: Sequence[int],
    repeats: int,
) -> dict[str, Any]:
    """Measure everything there is to say about the cost of codecs, as results/speed.json holds it.

    Raises: AudioError for a file that cannot be read; CodecError for a codec that fails.
    """
    wave, sample_rate, source = read_or_make(wav, seconds)
    audio_seconds = wave.shape[1] / sample_rate
    rows: list[dict[str, Any]] = [_describe(word, codec, wave, sample_rate) for word, codec in codecs.items()]
    before = torch.get_num_threads()
    try:
        for number in threads:
            torch.set_num_threads(number)
            for row, timing in zip(rows, measure(list(codecs.values()), wave, sample_rate, repeats), strict=True):
                row["encode_seconds"][str(number)] = [round(each, 9) for each in timing.encode_seconds]
                row["decode_seconds"][str(number)] = [round(each, 9) for each in timing.decode_seconds]
        torch.set_num_threads(threads[0])
        first = wave[:, : round(FIRST_CHUNK_SECONDS * sample_rate)]
        for row, timing in zip(rows, measure(list(codecs.values()), first, sample_rate, repeats), strict=True):
            pairs = zip(timing.encode_seconds, timing.decode_seconds, strict=True)
            row["first_chunk_seconds"] = [round(encode + decode, 9) for encode, decode in pairs]
    finally:
        torch.set_num_threads(before)
    for row in rows:
        row["peak_bytes"] = None if row["num_parameters"] is None else peak_bytes(row["codec"], audio_seconds)
    return {
        "machine": machine(),
        "source": source,
        "audio_seconds": audio_seconds,
        "threads": list(threads),
        "repeats": repeats,
        "codecs": rows,
        "missing": {word: str(error) for word, error in missing.items()},
    }


def _describe(word: str, codec: Codec, wave: Tensor, sample_rate: int) -> dict[str, Any]:
    """What does not change from repeat to repeat."""
    own = resample(wave, sample_rate, codec.sample_rate)
    audio_seconds = wave.shape[1] / sample_rate
    adds = multiply_adds(codec, own)
    return {
        "codec": word,
        "name": codec.name,
        "num_parameters": codec.num_parameters,
        "bits_per_second": codec.encode(own).payload_bits / audio_seconds,
        "encode_multiply_adds_per_second": None if adds is None else adds.encode / audio_seconds,
        "decode_multiply_adds_per_second": None if adds is None else adds.decode / audio_seconds,
        "encode_seconds": {},
        "decode_seconds": {},
    }
