"""How fast audiovq encodes and decodes beside its rivals, on the same threads, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from recipes.benchmark.machine import machine


class Coder(Protocol):
    """What is measured; one small class for each rival. Waves are mono (1, T) at the coder's own `sample_rate`."""

    name: str
    sample_rate: int
    num_parameters: int

    def encode(self, wave: Tensor) -> object:
        """Codes in whatever form this coder has."""

    def decode(self, codes: object) -> Tensor:
        """The wave again."""


class Codec(Coder, Protocol):
    """A coder with a bit rate."""

    bits_per_second: float


class AudiovqCodec:
    """A model of this project: a bundled name or a folder."""

    def __init__(self, model: str) -> None:
        self._tokenizer = audiovq.load(model)
        self.name = f"audiovq {self._tokenizer.name}"
        self.sample_rate = self._tokenizer.sample_rate
        self.num_parameters = self._tokenizer.num_parameters
        self.bits_per_second = self._tokenizer.bits_per_second

    def encode(self, wave: Tensor) -> object:
        return self._tokenizer.encode(wave, sample_rate=self.sample_rate)

    def decode(self, codes: object) -> Tensor:
        assert isinstance(codes, audiovq.Codes)
        return self._tokenizer.decode(codes)


class EncodecCodec:
    """EnCodec 24 kHz at 6 kbit/s with random weights, which are as fast as trained ones."""

    name = "EnCodec 24 kHz (random weights)"
    bits_per_second = 6000.0

    def __init__(self) -> None:
        from transformers import EncodecConfig, EncodecModel  # only this rival needs it, and it is slow to import

        self._model = EncodecModel(EncodecConfig()).eval()  # type: ignore[no-untyped-call]
        self.sample_rate: int = self._model.config.sampling_rate
        self.num_parameters = sum(parameter.numel() for parameter in self._model.parameters())

    def encode(self, wave: Tensor) -> object:
        return self._model.encode(wave[None], bandwidth=self.bits_per_second / 1000)

    def decode(self, codes: object) -> Tensor:
        decoded: Tensor = self._model.decode(codes.audio_codes, codes.audio_scales).audio_values  # type: ignore[attr-defined]
        return decoded[0]


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
                start = time.perf_counter()
                codes = coder.encode(own_wave)
                middle = time.perf_counter()
                coder.decode(codes)
                end = time.perf_counter()
                if repeat > 0:  # the first round warms up
                    timing.encode_seconds.append(middle - start)
                    timing.decode_seconds.append(end - middle)
    return timings


def markdown_table(codecs: Sequence[Codec], timings: Sequence[Timing], audio_seconds: float) -> str:
    """Medians as seconds of audio per second, and how many times faster the first codec is than each."""
    lines = [
        "| codec | parameters | bits per second | encode, s of audio per s | decode, s of audio per s "
        "| encode ratio | decode ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    speeds = [
        (
            audio_seconds / statistics.median(timing.encode_seconds),
            audio_seconds / statistics.median(timing.decode_seconds),
        )
        for timing in timings
    ]
    for codec, (encode, decode) in zip(codecs, speeds, strict=True):
        lines.append(
            f"| {codec.name} | {codec.num_parameters / 1e6:.1f} M | {codec.bits_per_second:.0f} | {encode:.1f} "
            f"| {decode:.1f} | {speeds[0][0] / encode:.2f} | {speeds[0][1] / decode:.2f} |"
        )
    return "\n".join(lines)


def speech_like(seconds: float, sample_rate: int) -> Tensor:
    """A wave with a voice's harmonics, moving formant, syllables and pauses, the same at every call.

    Shape: () -> (1, T)
    """
    time_seconds = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time_seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    formant = 900 + 500 * np.sin(2 * np.pi * 1.9 * time_seconds)
    wave = np.zeros_like(time_seconds)
    for harmonic in range(1, 40):
        gain = np.exp(-0.5 * ((harmonic * pitch - formant) / 300) ** 2) + 0.3 / harmonic
        wave += gain * np.sin(harmonic * phase)
    wave *= np.clip(np.sin(2 * np.pi * 3.1 * time_seconds), 0, None)
    wave += 0.01 * np.random.default_rng(0).standard_normal(len(wave))
    return torch.from_numpy(0.3 * wave / np.abs(wave).max()).float()[None]


def read_or_make(wav: str | None, seconds: float) -> tuple[Tensor, int, str]:
    """The wave to measure on, its rate, and what it is. Shape: -> (1, T)."""
    if wav is None:
        return speech_like(seconds, 48_000), 48_000, "a synthetic voice"
    wave, sample_rate = io.read(wav)
    return wave[:1], sample_rate, Path(wav).name


def speed(model: str, wav: str | None, seconds: float, threads: int, repeats: int) -> str:
    """Measure and describe in markdown."""
    torch.set_num_threads(threads)
    wave, sample_rate, source = read_or_make(wav, seconds)
    codecs: list[Codec] = [AudiovqCodec(model), EncodecCodec()]
    audio_seconds = wave.shape[1] / sample_rate
    timings = measure(codecs, wave, sample_rate, repeats)
    title = (
        f"Speed on {audio_seconds:.1f} s of {source}, {threads} thread(s), medians of {repeats} interleaved repeats "
        f"({machine()}):"
    )
    return f"{title}\n\n{markdown_table(codecs, timings, audio_seconds)}\n"
