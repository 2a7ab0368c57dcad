"""Codes: the codes of one recording at several frame rates. What their .avq file looks like: `audiovq.avq`."""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from audiovq import avq, units
from audiovq.avq import CodesError
from audiovq.system.files import write_atomically

__all__ = ["Codes", "CodesError"]


@dataclass(frozen=True, eq=False)
class Codes:
    """The codes of one recording, coarse levels first; inside a level, channel 0's codebooks come first.

    `num_channels` counts the channels that have codes of their own: a joint stereo model has one set for both.
    Any integer tensors are taken, and kept as int64 on the CPU. `model` is the name and hash of the encoder.

    Shape: levels[l] (num_channels * K_l, N_l), N_l being the frames of num_samples padded to the coarsest hop.
    Raises: CodesError when the parts contradict one another or a code lies outside its codebook.
    """

    levels: tuple[Tensor, ...]
    sample_rate: int
    num_samples: int
    hop_lengths: tuple[int, ...]
    codebook_sizes: tuple[int, ...]
    model: str
    num_channels: int = 1

    def __post_init__(self) -> None:
        for name in ("levels", "hop_lengths", "codebook_sizes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for level, codes in enumerate(self.levels):
            if codes.dim() != 2 or codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
                got = f"{codes.dtype} of shape {tuple(codes.shape)}"
                raise CodesError(f"level {level} is {got}; expected integers of shape (rows, frames)")
        object.__setattr__(self, "levels", tuple(codes.detach().to("cpu", torch.int64) for codes in self.levels))
        shapes = self._header().shapes
        for level, (codes, shape, size) in enumerate(zip(self.levels, shapes, self.codebook_sizes, strict=True)):
            if codes.shape != shape:
                needed = f"{self.num_samples} samples at hop lengths {self.hop_lengths} need {shape}"
                raise CodesError(f"level {level} has shape {tuple(codes.shape)}; {needed}")
            low, high = int(codes.min()), int(codes.max())
            if low < 0 or high >= size:
                wrong = low if low < 0 else high
                raise CodesError(f"level {level} holds the code {wrong}; its codebook goes from 0 to {size - 1}")

    @property
    def num_levels(self) -> int:
        """How many levels there are."""
        return len(self.levels)

    @property
    def num_codebooks(self) -> tuple[int, ...]:
        """K of each level: how many codes one frame of one channel has."""
        return tuple(codes.shape[0] // self.num_channels for codes in self.levels)

    @property
    def frame_rates(self) -> tuple[Fraction, ...]:
        """Frames per second of each level, exact."""
        return tuple(units.frame_rate(self.sample_rate, hop_length) for hop_length in self.hop_lengths)

    @property
    def bits_per_second(self) -> float:
        """Sum over levels of K log2(V) frame_rate, all channels together."""
        mono = units.bits_per_second(self.sample_rate, self.hop_lengths, self.num_codebooks, self.codebook_sizes)
        return self.num_channels * mono

    @property
    def duration_seconds(self) -> float:
        """Length of the recording."""
        return units.samples_to_seconds(self.num_samples, self.sample_rate)

    def channel(self, channel: int) -> "Codes":
        """One channel as mono codes."""
        if not 0 <= channel < self.num_channels:
            raise CodesError(f"no channel {channel}: there are {self.num_channels}, counted from 0")
        levels = tuple(codes.chunk(self.num_channels)[channel] for codes in self.levels)
        return replace(self, levels=levels, num_channels=1)

    def prefix(self, levels: int) -> "Codes":
        """The `levels` coarsest levels alone."""
        if not 1 <= levels <= self.num_levels:
            raise CodesError(f"cannot take {levels} levels of {self.num_levels}: take 1 to {self.num_levels}")
        kept = slice(levels)
        return replace(
            self,
            levels=self.levels[kept],
            hop_lengths=self.hop_lengths[kept],
            codebook_sizes=self.codebook_sizes[kept],
        )

    def stretch(self, start: int, num_frames: int) -> "Codes":
        """A part of the recording, in frames of the coarsest level; it ends where the recording does."""
        frames = self.levels[0].shape[1]
        if not 0 <= start < frames or num_frames < 1:
            raise CodesError(f"no {num_frames} coarsest frames from {start} on: there are {frames}, counted from 0")
        hop, end = self.hop_lengths[0], min(start + num_frames, frames)
        parts = zip(self.levels, (hop // own for own in self.hop_lengths), strict=True)
        return replace(
            self,
            levels=tuple(codes[:, start * factor : end * factor] for codes, factor in parts),
            num_samples=min(end * hop, self.num_samples) - start * hop,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Codes):
            return NotImplemented
        return self._header() == other._header() and all(map(torch.equal, self.levels, other.levels))

    __hash__ = None  # type: ignore[assignment]

    def to_bytes(self) -> bytes:
        """The content of an .avq file."""
        return avq.to_bytes(self._header(), self.levels)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Codes":
        """Read the content of an .avq file.

        Raises: CodesError for another kind of content, a damaged copy, another format version.
        """
        header, levels = avq.from_bytes(content)
        return cls(
            levels=levels,
            sample_rate=header.sample_rate,
            num_samples=header.num_samples,
            hop_lengths=header.hop_lengths,
            codebook_sizes=header.codebook_sizes,
            model=header.model,
            num_channels=header.num_channels,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .avq file: either all of it appears under its name, or nothing does.

        Raises: CodesError when it cannot be written.
        """
        try:
            with write_atomically(path) as file:
                file.write(self.to_bytes())
        except OSError as error:
            raise CodesError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Codes":
        """Read an .avq file.

        Raises: CodesError, which names the file, when it is missing, unreadable, damaged, or not an .avq file.
        """
        try:
            with Path(path).open("rb") as file:
                start = file.read(len(avq.MAGIC))
                # A file of another kind may be huge: its rest is left alone.
                return cls.from_bytes(start + file.read() if start == avq.MAGIC else start)
        except OSError as error:
            raise CodesError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
        except CodesError as error:
            raise CodesError(f"{os.fspath(path)}: {error}") from error

    def _header(self) -> avq.Header:
        rows = [codes.shape[0] for codes in self.levels]
        if type(self.num_channels) is not int or self.num_channels < 1 or any(n % self.num_channels for n in rows):
            raise CodesError(f"levels of {rows} rows cannot be divided into {self.num_channels} channels")
        return avq.Header(
            sample_rate=self.sample_rate,
            num_samples=self.num_samples,
            num_channels=self.num_channels,
            hop_lengths=self.hop_lengths,
            codebook_sizes=self.codebook_sizes,
            num_codebooks=self.num_codebooks,
            model=self.model,
        )
