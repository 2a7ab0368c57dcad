"""LC3, Codec2 and AMR-WB: programs and a library that write frames, one after the other."""

from __future__ import annotations

import ctypes
import ctypes.util
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audiovq.audio import io
from recipes.benchmark.codec import CodecError, NotAvailableError
from recipes.benchmark.programs import ProgramCodec, run


class Lc3Codec(ProgramCodec):
    """LC3, the codec of Bluetooth LE Audio, at a rate in kbit/s in frames of 10 ms."""

    programs = ("elc3", "dlc3")
    package = "liblc3-tools"

    def __init__(self, kilobits: str) -> None:
        super().__init__(f"LC3 {kilobits}")
        self._bits_per_second = str(round(1000 * float(kilobits)))

    def encode_file(self, wav: Path, coded: Path) -> None:
        run("elc3", "-b", self._bits_per_second, wav, coded)

    def decode_file(self, coded: Path, wav: Path) -> None:
        run("dlc3", coded, wav)

    def payload_bits(self, content: bytes) -> int:
        (position,) = struct.unpack_from("<H", content, 2)  # the size of the header
        num_bytes = 0
        while position < len(content):  # each frame behind its size
            (size,) = struct.unpack_from("<H", content, position)
            num_bytes += size
            position += 2 + size
        return 8 * num_bytes


class Codec2Codec(ProgramCodec):
    """Codec2 in one of its modes, named by bits per second; telephone band."""

    programs = ("c2enc", "c2dec")
    package = "codec2"
    sample_rate = 8_000
    coded_name = "coded.bit"  # a name in .c2 would ask for a header

    _FRAME_SAMPLES = 320  # of the longest mode: what does not fill a frame would be left out

    def __init__(self, mode: str) -> None:
        super().__init__(f"Codec2 {mode}")
        self._mode = mode

    def encode_file(self, wav: Path, coded: Path) -> None:
        wave, _ = io.read(wav)
        padded = torch.nn.functional.pad(wave, (0, -wave.shape[1] % self._FRAME_SAMPLES))
        raw = coded.with_name("in.raw")
        raw.write_bytes(to_int16(padded).tobytes())
        run("c2enc", self._mode, raw, coded)

    def decode_file(self, coded: Path, wav: Path) -> None:
        raw = coded.with_name("out.raw")
        run("c2dec", self._mode, coded, raw)
        samples = np.frombuffer(raw.read_bytes(), dtype="<i2").astype(np.float32) / 32768
        io.write(wav, torch.from_numpy(samples)[None], self.sample_rate)

    def payload_bits(self, content: bytes) -> int:
        return 8 * len(content)


class AmrWbCodec(ProgramCodec):
    """AMR-WB at one of its rates in kbit/s: libvo-amrwbenc, which no program comes with, and FFmpeg to decode."""

    programs = ("ffmpeg",)
    package = "libvo-amrwbenc0 ffmpeg"
    coded_name = "coded.amr"
    RATES = ("6.6", "8.85", "12.65", "14.25", "15.85", "18.25", "19.85", "23.05", "23.85")

    _MAGIC = b"#!AMR-WB\n"
    _FRAME_SAMPLES = 320
    _FRAME_BYTES = 64  # more than the longest frame has

    def __init__(self, kilobits: str) -> None:
        super().__init__(f"AMR-WB {kilobits}")
        if kilobits not in self.RATES:
            raise ValueError(f"AMR-WB has the rates {', '.join(self.RATES)}, got {kilobits}")
        library = ctypes.util.find_library("vo-amrwbenc")
        if library is None:
            raise NotAvailableError("the library vo-amrwbenc is not installed", f"apt-get install {self.package}")
        self._library = ctypes.CDLL(library)
        self._library.E_IF_init.restype = ctypes.c_void_p
        self._mode = self.RATES.index(kilobits)

    def encode_file(self, wav: Path, coded: Path) -> None:
        wave, _ = io.read(wav)
        samples = to_int16(torch.nn.functional.pad(wave, (0, -wave.shape[1] % self._FRAME_SAMPLES)))
        state = ctypes.c_void_p(self._library.E_IF_init())
        frame_bytes = ctypes.create_string_buffer(self._FRAME_BYTES)
        frames = [self._MAGIC]
        try:
            for frame in samples.reshape(-1, self._FRAME_SAMPLES):
                num_bytes = self._library.E_IF_encode(
                    state, self._mode, frame.ctypes.data_as(ctypes.c_void_p), frame_bytes, 0
                )
                frames.append(frame_bytes.raw[:num_bytes])
        finally:
            self._library.E_IF_exit(state)
        coded.write_bytes(b"".join(frames))

    def decode_file(self, coded: Path, wav: Path) -> None:
        run("ffmpeg", "-v", "error", "-nostdin", "-f", "amr", "-i", coded, wav)

    def payload_bits(self, content: bytes) -> int:
        frame_bits = (132, 177, 253, 285, 317, 365, 397, 461, 477)[self._mode]
        size = 1 + -(-frame_bits // 8)  # a byte that names the mode, then the bits
        num_frames, rest = divmod(len(content) - len(self._MAGIC), size)
        if rest:
            raise CodecError(f"{self.name}: expected frames of {size} bytes each, got {rest} bytes more")
        return num_frames * frame_bits


def to_int16(wave: Tensor) -> np.ndarray:
    """Samples of a mono wave as little-endian integers of 16 bits.

    Shape: (1, T) -> (T,)
    """
    return (wave[0] * 32768).round().clamp(-32768, 32767).numpy().astype("<i2")
