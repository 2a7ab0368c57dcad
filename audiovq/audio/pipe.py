"""Sound into a pipe, for a player at its other end."""

from __future__ import annotations

import struct
from typing import IO

from torch import Tensor

from audiovq.audio.io import AudioError, to_pcm16

_NOT_KNOWN = 0xFFFFFFFF  # the length, when the header is written: players then read to the end


class WavePipe:
    """Writes mono 16-bit WAV of a length that nobody knows yet, block by block, each at once."""

    def __init__(self, file: IO[bytes], sample_rate: int) -> None:
        self._file = file
        form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
        data = b"data" + struct.pack("<I", _NOT_KNOWN)
        self._put(b"RIFF" + struct.pack("<I", _NOT_KNOWN) + b"WAVEfmt " + struct.pack("<I", len(form)) + form + data)

    def write(self, wave: Tensor) -> None:
        """Shape: (1, n). Raises: AudioError when nobody reads any more."""
        self._put(to_pcm16(wave)[0].numpy().astype("<i2").tobytes())

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise AudioError(f"cannot write to the pipe: {error.strerror}") from error
