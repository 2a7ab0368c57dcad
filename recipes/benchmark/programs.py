"""Codecs that are programs of the system: files in, files out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from audiovq.audio import io
from recipes.benchmark.codec import CodecError, Encoded, NotAvailableError


def need_programs(names: Sequence[str], hint: str) -> None:
    """Raises: NotAvailableError when one of them is not on the PATH."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise NotAvailableError(f"the program {missing[0]} is not on the PATH", hint)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a program to its end.

    Raises: CodecError with the last line that it said when it fails.
    """
    result = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise CodecError(f"{command[0]} ended with code {result.returncode}: {lines[-1]}")


class ProgramCodec(ABC):
    """Writes a wave to a file, has programs turn it into a coded file and back, and counts the coded file's bits."""

    programs: tuple[str, ...]
    package: str  # of Debian
    trained = True
    identity = ""
    num_parameters: int | None = None
    sample_rate = 16_000
    coded_name = "coded"  # some programs go by the suffix

    def __init__(self, name: str) -> None:
        need_programs(self.programs, f"apt-get install {self.package}")
        self.name = name

    @abstractmethod
    def encode_file(self, wav: Path, coded: Path) -> None:
        """Read a 16-bit mono WAV of ``sample_rate``, write the codec's own file."""

    @abstractmethod
    def decode_file(self, coded: Path, wav: Path) -> None:
        """Read the codec's own file, write a WAV."""

    @abstractmethod
    def payload_bits(self, content: bytes) -> int:
        """Bits of sound in the codec's own file."""

    def encode(self, wave: Tensor) -> Encoded:
        with tempfile.TemporaryDirectory(prefix="audiovq-") as folder:
            wav, coded = Path(folder, "in.wav"), Path(folder, self.coded_name)
            io.write(wav, wave, self.sample_rate)
            self.encode_file(wav, coded)
            content = coded.read_bytes()
        return Encoded(content, self.payload_bits(content), 8 * len(content))

    def decode(self, encoded: Encoded) -> Tensor:
        with tempfile.TemporaryDirectory(prefix="audiovq-") as folder:
            coded, wav = Path(folder, self.coded_name), Path(folder, "out.wav")
            coded.write_bytes(encoded.content)
            self.decode_file(coded, wav)
            wave, sample_rate = io.read(wav)
        if sample_rate != self.sample_rate or len(wave) != 1:
            raise CodecError(
                f"{self.name}: expected one channel at {self.sample_rate} Hz back, got {len(wave)} at {sample_rate} Hz"
            )
        return wave
