"""Convolutions with exact lengths: N in gives N, N / stride or N * stride out, and each knows its context.

``context(frames)`` answers: to get ``frames`` correct frames beyond a window's edge at the output, how many frames
beyond the edge must the input have? Composing it from the output back to the input gives the exact overlap that
windowed encoding and decoding need.
"""

from __future__ import annotations

from torch import Tensor, nn

from audiovq.nn.mask import masked


class SameConv(nn.Module):
    """A convolution that keeps the number of frames, zero beyond the ends. Shape: (B, C_in, N) -> (B, C_out, N)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, groups: int = 1) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}, expected an odd number so that the frames stay centred")
        self.padding = kernel_size // 2
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, padding=self.padding, groups=groups)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.conv(masked(x, mask))

    def context(self, frames: int) -> int:
        return frames + self.padding


class Downsample(nn.Module):
    """A strided convolution, N frames to N / stride. Shape: (B, C_in, N) -> (B, C_out, N / stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (stride + 1) // 2
        kernel_size = stride + 2 * self.padding
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, stride=stride, padding=self.padding)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if x.shape[-1] % self.stride:
            raise ValueError(
                f"{x.shape[-1]} frames do not divide by the stride {self.stride}: pad to whole frames first"
            )
        return self.conv(masked(x, mask))

    def context(self, frames: int) -> int:
        return frames * self.stride + self.padding


class Upsample(nn.Module):
    """A transposed convolution, N frames to N * stride. Shape: (B, C_in, N) -> (B, C_out, N * stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (stride + 1) // 2
        kernel_size = stride + 2 * self.padding
        self.conv = nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride=stride, padding=self.padding)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.conv(masked(x, mask))

    def context(self, frames: int) -> int:
        return -(-(frames + self.padding) // self.stride)
