"""A head that writes a waveform as short-time spectra: one inverse Fourier transform instead of many upsamplers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiovq.nn.linear import Linear
from audiovq.nn.mask import masked

MAX_MAGNITUDE = 100.0


def overlap_add(frames: Tensor, hop_length: int) -> Tensor:
    """The sum of frames, each a hop after the one before. Shape: (B, L, N) -> (B, (N - 1) * hop_length + L)."""
    size = frames.shape[1]
    length = (frames.shape[2] - 1) * hop_length + size
    return F.fold(frames, (1, length), (1, size), stride=(1, hop_length))[:, 0, 0]


class ISTFTHead(nn.Module):
    """Frames to samples through predicted log-magnitudes and phases; frame n is centred on sample n * hop + hop / 2.

    Frames outside the mask add nothing, neither to the signal nor to the window sum that it is divided by, so a
    window in the middle of a file gives the file's own samples.

    Shape: (B, D, N), mask (B, 1, N) -> (B, 1, N * hop_length).
    Source: Siuzdak 2023, Vocos, section 3.3.
    """

    window: Tensor

    def __init__(self, width: int, hop_length: int, overlap: int = 4) -> None:
        super().__init__()
        if hop_length % 2 or overlap % 2:
            raise ValueError(f"hop_length {hop_length} and overlap {overlap} must both be even")
        self.hop_length = hop_length
        self.n_fft = overlap * hop_length
        self.overlap = overlap
        self.project = Linear(width, self.n_fft + 2)
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        spectrum = self.project(x.transpose(1, 2)).float().transpose(1, 2)
        log_magnitude, phase = spectrum.chunk(2, dim=1)
        magnitude = log_magnitude.exp().clamp(max=MAX_MAGNITUDE)
        frames = torch.fft.irfft(torch.polar(magnitude, phase), n=self.n_fft, dim=1) * self.window[None, :, None]
        ones = torch.ones_like(frames[:1, :1]) if mask is None else mask
        envelope = self._summed(self.window.square()[None, :, None] * ones)
        return self._summed(masked(frames, mask)) / envelope.clamp(min=1e-3)

    def _summed(self, frames: Tensor) -> Tensor:
        """Shape: (B, n_fft, N) -> (B, 1, N * hop_length)."""
        summed = overlap_add(frames, self.hop_length)
        trim = (self.n_fft - self.hop_length) // 2
        return summed[:, None, trim : summed.shape[1] - trim]

    def context(self, frames: int) -> int:
        """Samples beyond the edge to frames beyond the edge."""
        return -(-frames // self.hop_length) + self.overlap
