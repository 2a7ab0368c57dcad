"""One utterance of a corpus to one 16-bit WAV file of the wanted rate and channels, or the reason why not."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from audiovq import units
from audiovq.audio.io import AudioError, read, write
from audiovq.audio.resample import resample
from audiovq.data.corpora.utterance import Source, Utterance

_G722_RATE = 16000
_PCM16_SCALE = 32768


@dataclasses.dataclass(frozen=True)
class Converted:
    """What became of an utterance: its length and a digest of its samples, or a non-empty `drop_reason`."""

    id: str
    num_samples: int = 0
    digest: str = ""
    drop_reason: str = ""


def convert(utterance: Utterance, path: Path, sample_rate: int, min_seconds: float, num_channels: int = 1) -> Converted:
    """Write the utterance to `path`, or read what an earlier call wrote there.

    For one channel all are mixed; for two, mono is on both sides, and what has more than two is mixed before.

    Raises: AudioError if the disk refuses.
    """
    try:
        if utterance.drop_reason:
            raise _UnusableError(utterance.drop_reason)
        if not _is_current(path, utterance.source, sample_rate, num_channels):
            wave = _usable_wave(utterance.source, sample_rate, num_channels)
            _check_length(wave.shape[1], sample_rate, min_seconds)
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, wave, sample_rate)
        samples, _ = soundfile.read(path, dtype="int16")
        _check_length(len(samples), sample_rate, min_seconds)
    except _UnusableError as reason:
        return Converted(utterance.id, drop_reason=str(reason))
    return Converted(utterance.id, len(samples), hashlib.sha1(samples.tobytes()).hexdigest())


def decode(source: Source) -> tuple[Tensor, int]:
    """Return the sound of a source and its sample rate.

    Shape: (C, T)
    Raises: AudioError if it is not sound or damaged.
    """
    if source.codec == "file" and source.is_whole_file:
        return read(source.path)
    try:
        data = source.read_bytes()
    except (zipfile.BadZipFile, KeyError, zlib.error) as error:
        raise AudioError(f"{source} cannot be taken out of its archive: {error}") from error
    if source.codec == "g722":
        return _decode_g722(data), _G722_RATE
    try:
        samples, sample_rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{source} is not sound that libsndfile can read: {error.error_string}") from error
    return torch.from_numpy(samples).T, sample_rate


class _UnusableError(ValueError):
    """Sound that is of no use in a corpus."""


def _decode_g722(data: bytes) -> Tensor:
    try:
        import av
    except ImportError as error:
        raise ImportError("reading G.722 needs PyAV: pip install av") from error
    with av.open(io.BytesIO(data), format="g722") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames, axis=1) if frames else np.zeros((1, 0), np.int16)
    return torch.from_numpy(samples.astype(np.float32) / _PCM16_SCALE)


def _is_current(path: Path, source: Source, sample_rate: int, num_channels: int) -> bool:
    """Whether an earlier run has written the file, as it is wanted, and the source has not changed since."""
    if not path.exists() or not source.path.exists() or path.stat().st_mtime < source.path.stat().st_mtime:
        return False
    written = soundfile.info(path)
    return (written.samplerate, written.channels) == (sample_rate, num_channels)


def _usable_wave(source: Source, sample_rate: int, num_channels: int) -> Tensor:
    try:
        wave, source_rate = decode(source)
    except (AudioError, OSError) as error:
        raise _UnusableError(f"cannot be decoded: {error}") from error
    if wave.shape[1] == 0:
        raise _UnusableError("holds no samples")
    if not wave.isfinite().all():
        raise _UnusableError("a sample is not a finite number")
    if len(wave) > 2 or num_channels == 1:
        wave = wave.mean(dim=0, keepdim=True)
    wave = resample(wave, source_rate, sample_rate).expand(num_channels, -1)
    if not (wave * _PCM16_SCALE).round().any():
        raise _UnusableError("silent: every sample is zero in 16 bits")
    return wave


def _check_length(num_samples: int, sample_rate: int, min_seconds: float) -> None:
    seconds = units.samples_to_seconds(num_samples, sample_rate)
    if seconds < min_seconds:
        raise _UnusableError(f"shorter than {min_seconds} s: {seconds:.3f} s")
