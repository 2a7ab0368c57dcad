"""Spectrograms as small PNG files, all of a clip in one colour scale."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

LOWEST_DB = -80.0  # below the loudest of the clip's first sound
MAX_COLUMNS, MAX_ROWS = 480, 128  # of a picture: longer or higher ones are averaged down
_NUM_COLOURS = 64  # 1.25 dB each: finer steps cannot be seen, and cost bytes
# Quiet to loud, ever lighter, so that it is read the same without colour.
_ANCHORS = ("#0b1020", "#26235c", "#5b2a86", "#a0337f", "#db5165", "#f58f4f", "#fbcf6b", "#fffbdc")


def decibels(wave: Tensor, sample_rate: int) -> Tensor:
    """Magnitudes in dB, every 50 Hz and 5 ms whatever the rate.

    Shape: (T,) -> (F, N)
    """
    n_fft = 2 * round(sample_rate / 100)
    if len(wave) <= n_fft // 2:  # centred frames reflect half a window
        wave = torch.nn.functional.pad(wave, (0, n_fft // 2 + 1 - len(wave)))
    spectrum = torch.stft(wave, n_fft, n_fft // 4, window=torch.hann_window(n_fft), return_complex=True)
    return 20 * spectrum.abs().clamp(min=1e-8).log10()


def spectrogram_pngs(spectra: list[Tensor]) -> list[bytes]:
    """A picture of each spectrum of `decibels`, low frequencies below; what one lacks of the largest is silence.

    Shape: (F, N) each, not necessarily alike
    """
    loudest = float(spectra[0].max())
    num_rows, num_columns = (max(spectrum.shape[axis] for spectrum in spectra) for axis in (0, 1))
    pictures = []
    for spectrum in spectra:
        padding = (0, num_columns - spectrum.shape[1], 0, num_rows - spectrum.shape[0])
        level = torch.nn.functional.pad(spectrum, padding, value=loudest + LOWEST_DB)
        level = ((level - loudest) / -LOWEST_DB + 1).clamp(0, 1)
        size = (min(num_rows, MAX_ROWS), min(num_columns, MAX_COLUMNS))
        small = torch.nn.functional.adaptive_avg_pool2d(level[None], size)[0]
        pictures.append(png((small.flip(0) * (_NUM_COLOURS - 1)).round().to(torch.uint8).numpy(), palette()))
    return pictures


@lru_cache(maxsize=1)
def palette() -> bytes:
    """Red, green and blue of every colour, from quiet to loud."""
    anchors = np.array([[int(anchor[start : start + 2], 16) for start in (1, 3, 5)] for anchor in _ANCHORS])
    places = np.linspace(0, len(anchors) - 1, _NUM_COLOURS)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8).tobytes()


def png(indices: np.ndarray, colours: bytes) -> bytes:
    """A picture whose samples choose among colours.

    Shape: indices (height, width) uint8
    Source: W3C 2003, "Portable Network Graphics (PNG) Specification", section 5.
    """
    height, width = indices.shape
    lines = b"".join(b"\0" + line.tobytes() for line in indices)  # each after its filter, which is none
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits that choose from a palette
    chunks = [(b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
