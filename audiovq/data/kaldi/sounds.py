"""The sound of one utterance, whatever its source: a file, the output of a command, or a segment of either."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import soundfile
import torch
from torch import Tensor

from audiovq.audio.io import AudioError, AudioReader
from audiovq.units import samples_to_seconds, seconds_to_samples

# Times in tables are rounded, often to hundredths: a segment may end that much after its recording.
TOLERANCE_SECONDS = 0.01
_SEEKABLE_SUBTYPES = ("PCM_", "FLOAT", "DOUBLE")  # in others a seek is refused, or changes the samples after it


def is_command(source: str) -> bool:
    """Whether an entry of wav.scp is a command that writes sound to its standard output, and not a path."""
    return source.rstrip().endswith("|")


@dataclass(frozen=True)
class Sound:
    """Where the sound of an utterance is: a path or `command |`, and a part of it or (without times) all of it.

    Args:
        problem: why its place is not known; reading it fails with that.
    """

    utt_id: str
    source: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    problem: str = ""

    def read(self) -> tuple[Tensor, int]:
        """Return the samples and their rate; a command is run by /bin/sh, once for every call.

        Shape: (C, T)
        Raises: AudioError, one line that begins with the utterance's id.
        """
        if self.problem:
            raise AudioError(f"{self.utt_id}: {self.problem}")
        try:
            with open_source(self.source) as reader:
                return self._read(reader), reader.sample_rate
        except AudioError as error:
            raise AudioError(f"{self.utt_id}: {error}") from error

    def seconds(self) -> float:
        """How long it lasts.

        Raises: AudioError, one line that begins with the utterance's id.
        """
        if self.start_seconds is not None and self.end_seconds is not None:
            return self.end_seconds - self.start_seconds
        try:
            with open_source(self.source) as reader:
                return samples_to_seconds(reader.num_samples, reader.sample_rate)
        except AudioError as error:
            raise AudioError(f"{self.utt_id}: {error}") from error

    def _read(self, reader: AudioReader) -> Tensor:
        if self.start_seconds is None or self.end_seconds is None:
            return reader.read(reader.num_samples)
        rate = reader.sample_rate
        start, end = (seconds_to_samples(seconds, rate) for seconds in (self.start_seconds, self.end_seconds))
        last = reader.num_samples + seconds_to_samples(TOLERANCE_SECONDS, rate)
        if not start < min(end, reader.num_samples) or end > last:
            seconds = samples_to_seconds(reader.num_samples, rate)
            raise AudioError(
                f"{self.source} lasts {seconds:.3f} s: it has no segment "
                f"from {self.start_seconds} to {self.end_seconds} s"
            )
        num_samples = min(end, reader.num_samples) - start
        if soundfile.info(reader.path).subtype.startswith(_SEEKABLE_SUBTYPES):
            return _read_part(reader.path, start, num_samples)
        reader.read(start)
        return reader.read(num_samples)


@contextmanager
def open_source(source: str) -> Iterator[AudioReader]:
    """Open a path, or run `command |` to its end and open what it wrote.

    Raises: AudioError as AudioReader does, also later on reading, and for a command that fails.
    """
    if not is_command(source):
        with AudioReader(source) as reader:
            yield reader
        return
    with tempfile.NamedTemporaryFile(prefix="audiovq-") as output:
        _run(source.rstrip().removesuffix("|").strip(), output)
        try:
            with AudioReader(output.name) as reader:
                yield reader
        except AudioError as error:
            raise AudioError(str(error).replace(output.name, f"the output of {source!r}")) from error


def _run(command: str, output: IO[bytes]) -> None:
    result = subprocess.run(command, shell=True, stdout=output, stderr=subprocess.PIPE, check=False)
    if result.returncode:
        lines = result.stderr.decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        raise AudioError(f"the command {command!r} failed with code {result.returncode}: {said}")


def _read_part(path: Path, start: int, num_samples: int) -> Tensor:
    """Some samples from the middle of a file, without decoding what is before them."""
    try:
        block, _ = soundfile.read(path, num_samples, start, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path} is damaged or truncated: {error.error_string}") from error
    wave = torch.from_numpy(block).T.contiguous()
    if wave.shape[1] < num_samples:
        raise AudioError(f"{path} is truncated: sample {start + wave.shape[1]} is not there")
    if not wave.isfinite().all():
        raise AudioError(f"{path} has a sample that is not a finite number (NaN or infinity)")
    return wave
