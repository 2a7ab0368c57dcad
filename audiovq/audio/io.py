"""Sound files: streaming readers and writers over libsndfile whose errors are one plain sentence each."""

import glob
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import torch
from torch import Tensor

from audiovq.system.files import write_atomically
from audiovq.units import samples_to_seconds, seconds_to_samples

AUDIO_SUFFIXES = frozenset(
    {".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"}
)
WRITABLE_SUFFIXES = {".wav": "WAV", ".flac": "FLAC"}
_BLOCK_SAMPLES = 1 << 16
_LOSSY_FORMATS = {"MP3", "OGG"}  # their headers count whole frames, or guess: the last ones may decode to less
_MOST_MISSING_SECONDS = 0.5  # of such a file; what lacks more has lost its end
_UNKNOWN_SIZE = 0x7FFF0000  # programs that write WAV into a pipe put sizes from here up, since they cannot seek back


class AudioError(ValueError):
    """A sound file that cannot be read or written; the message is one line that names the file."""


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]
    """Drops soundfile's seek after every read: it is slow, and fails at the end of a stream of unknown length."""

    def seekable(self) -> bool:
        return False


class AudioReader:
    """Reads a sound file from its beginning to its end in blocks of any size.

    What an MP3 or Ogg file promises and does not hold is read as silence, if it is no more than half a second.

    Raises: AudioError when the file is missing, forbidden, empty, not audio, without samples, truncated or not finite.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            missing_bytes = _missing_wav_bytes(self.path)
        except OSError as error:
            raise AudioError(f"cannot read {self.path}: {error.strerror}") from error
        if missing_bytes:
            raise AudioError(f"{self.path} is truncated: {missing_bytes} bytes are missing at its end")
        self._file = self._open()
        try:
            self.sample_rate: int = self._file.samplerate
            self.num_channels: int = self._file.channels
            self.num_samples: int = self._file.frames
            if self.num_samples > self.path.stat().st_size << 16:  # a stream that never wrote down its own length
                self.num_samples = self._count_samples()
            if self.num_samples == 0:
                raise AudioError(f"{self.path} holds no samples")
        except BaseException:
            self._file.close()
            raise
        self._position, self._held = 0, self.num_samples
        lossy = self._file.format in _LOSSY_FORMATS
        self._most_missing = seconds_to_samples(_MOST_MISSING_SECONDS, self.sample_rate) if lossy else 0

    def read(self, num_samples: int) -> Tensor:
        """Return the next samples; fewer than asked for only at the end, none after it.

        Shape: (C, num_samples)
        """
        wanted = min(num_samples, self.num_samples - self._position)
        start = f"{samples_to_seconds(self._position, self.sample_rate):.2f} s"
        try:
            block = self._file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{self.path} is damaged or truncated after {start}: {error.error_string}") from error
        if len(block) < wanted:
            self._held = min(self._held, self._position + len(block))
            if self.num_samples - self._held > self._most_missing:
                raise AudioError(
                    f"{self.path} is truncated: its header promises {self.num_samples} samples, it holds {self._held}"
                )
            block = np.pad(block, ((0, wanted - len(block)), (0, 0)))
        wave = torch.from_numpy(block).T.contiguous()
        bad = (~wave.isfinite()).any(0).nonzero()
        if len(bad):
            seconds = samples_to_seconds(self._position + int(bad[0]), self.sample_rate)
            raise AudioError(
                f"{self.path} has a sample that is not a finite number (NaN or infinity) at {seconds:.4f} s"
            )
        self._position += wanted
        return wave

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> "AudioReader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self) -> "_SequentialFile":
        if self.path.stat().st_size == 0:
            raise AudioError(f"{self.path} is an empty file")
        try:
            return _SequentialFile(self.path)
        # A name that ends in .raw makes soundfile ask for a sample rate by a TypeError.
        except (soundfile.LibsndfileError, TypeError) as error:
            raise AudioError(f"{self.path} is not a sound file that libsndfile can read") from error

    def _count_samples(self) -> int:
        num_samples = 0
        with self._open() as file:
            while length := len(file.read(_BLOCK_SAMPLES, dtype="int16")):
                num_samples += length
        return num_samples


def to_pcm16(wave: Tensor) -> Tensor:
    """Samples of 16 bits; values beyond [-1, 1] are clipped. Shape: any -> the same, int16."""
    # The same scale as reading uses, so that 16-bit samples survive a read and a write unchanged.
    return (wave.detach().cpu().float() * 32768).round().clamp(-32768, 32767).to(torch.int16)


class AudioWriter:
    """Writes 16-bit WAV or FLAC (by suffix) so that the file appears whole or not at all.

    Raises: AudioError for another suffix, a wave that is not finite, and whatever the disk refuses.
    """

    def __init__(self, path: str | os.PathLike[str], sample_rate: int, num_channels: int) -> None:
        self.path = Path(path)
        self.num_channels = num_channels
        file_format = WRITABLE_SUFFIXES.get(self.path.suffix.lower())
        if file_format is None:
            raise AudioError(f"cannot write {self.path}: expected a name that ends in {' or '.join(WRITABLE_SUFFIXES)}")
        try:
            with ExitStack() as stack:
                file = stack.enter_context(write_atomically(self.path))
                self._file = stack.enter_context(
                    soundfile.SoundFile(
                        file.fileno(), "w", sample_rate, num_channels, "PCM_16", format=file_format, closefd=False
                    )
                )
                self._open_files = stack.pop_all()
        except OSError as error:
            raise AudioError(f"cannot write {self.path}: {error.strerror}") from error
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"cannot write {self.path}: {file_format} does not hold {num_channels} channels at {sample_rate} Hz"
            ) from error

    def write(self, wave: Tensor) -> None:
        """Append samples; values beyond [-1, 1] are clipped.

        Shape: (C, n)
        """
        if wave.ndim != 2 or wave.shape[0] != self.num_channels:
            raise AudioError(
                f"cannot write {self.path}: expected a wave of shape ({self.num_channels}, n), got {tuple(wave.shape)}"
            )
        if not wave.isfinite().all():
            raise AudioError(f"cannot write {self.path}: the wave holds NaN or infinity")
        try:
            self._file.write(to_pcm16(wave).T.contiguous().numpy())
        except soundfile.LibsndfileError as error:
            raise self._refused(error.error_string) from error

    def __enter__(self) -> "AudioWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._open_files.__exit__(kind, error, at)
        except soundfile.LibsndfileError as failure:
            raise self._refused(failure.error_string) from failure
        except OSError as failure:
            raise self._refused(str(failure.strerror)) from failure

    def _refused(self, reason: str) -> AudioError:
        return AudioError(f"cannot write {self.path}: {reason.rstrip('.')} (is the disk full?)")


def read(path: str | os.PathLike[str], most_seconds: float = 0.0) -> tuple[Tensor, int]:
    """Return a whole file, or only its beginning unless ``most_seconds`` is 0, and its sample rate.

    Shape: (C, T)
    Raises: AudioError as AudioReader does.
    """
    with AudioReader(path) as reader:
        most = seconds_to_samples(most_seconds, reader.sample_rate) or reader.num_samples
        return reader.read(most), reader.sample_rate


def write(path: str | os.PathLike[str], wave: Tensor, sample_rate: int) -> None:
    """Write a whole file.

    Shape: wave (C, T)
    Raises: AudioError as AudioWriter does.
    """
    with AudioWriter(path, sample_rate, wave.shape[0]) as writer:
        writer.write(wave)


def list_audio(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Expand folders (with what is below them) and glob patterns into sound files; a named file stays as it is.

    Raises: AudioError for a folder or a pattern that yields no sound file.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = _audio_below(path)
        elif glob.has_magic(str(path)) and not path.exists():
            matches = map(Path, sorted(glob.glob(str(path), recursive=True)))
            found = [file for match in matches for file in (_audio_below(match) if match.is_dir() else [match])]
        else:
            found = [path]
        if not found:
            raise AudioError(f"{path} holds no sound file (looked for {' '.join(sorted(AUDIO_SUFFIXES))})")
        files.extend(found)
    return list(dict.fromkeys(files))


def _audio_below(folder: Path) -> list[Path]:
    # Hidden files are half-written ones and what file managers leave behind.
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _missing_wav_bytes(path: Path) -> int:
    """How much shorter a RIFF WAV is than its data chunk claims; libsndfile reads such a file without a word."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        file.seek(12)
        while len(header := file.read(8)) == 8:
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                promised = 0 if size >= _UNKNOWN_SIZE else file.tell() + size
                return max(0, promised - path.stat().st_size)
            file.seek(size + size % 2, os.SEEK_CUR)
    return 0
