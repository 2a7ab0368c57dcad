"""Which frames of a padded batch (or of a window that hangs over a file's end) are real."""

from __future__ import annotations

import torch
from torch import Tensor


class FrameMask:
    """The valid coarsest frames of each item, readable at every finer rate.

    Items are always padded to whole coarsest frames, so one mask at the coarsest rate fixes all the finer ones: at
    ``factor`` times that rate each entry is repeated ``factor`` times. Every layer that mixes neighbouring frames
    multiplies its input by this mask, so what lies outside acts exactly like the zero padding at a file's ends.

    Shape: valid (B, N_0) bool.
    """

    def __init__(self, valid: Tensor) -> None:
        self.valid = valid
        self._cache: dict[int, Tensor] = {}

    @staticmethod
    def from_lengths(num_frames: Tensor, max_frames: int) -> FrameMask:
        """Items that start at frame 0 and are ``num_frames[b]`` coarsest frames long. Shape: num_frames (B,) int."""
        positions = torch.arange(max_frames, device=num_frames.device)
        return FrameMask(positions[None, :] < num_frames[:, None])

    def at(self, factor: int) -> Tensor:
        """The mask at ``factor`` frames per coarsest frame, as float32. Shape: (B, 1, N_0 * factor)."""
        if factor not in self._cache:
            self._cache[factor] = self.valid.repeat_interleave(factor, dim=1)[:, None, :].float()
        return self._cache[factor]

    def select(self, frames: Tensor) -> Tensor:
        """The valid frames of a level as rows, item after item. Shape: (B, N_l, D) -> (T, D)."""
        factor = frames.shape[1] // self.valid.shape[1]
        return frames[self.at(factor)[:, 0] > 0]


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """x with the frames outside ``mask`` set to zero. Shape: x (B, D, N), mask (B, 1, N) or None for "all valid"."""
    return x if mask is None else x * mask.to(x.dtype)
