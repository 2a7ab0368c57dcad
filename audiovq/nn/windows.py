"""Cutting a signal of any length into overlapping windows, so that each frame sees exactly what it would see whole.

The grid of windows depends on the signal's length alone, never on how it arrives or how much memory there is. Every
window of a long signal has one shape, so a network computes each frame by the same floating-point operations however
the signal was handed over: results are equal to the last bit, and a code can never flip.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.nn.mask import FrameMask


@dataclass(frozen=True)
class Window:
    """A stretch of a signal. All numbers count coarsest frames.

    Shape: signal (C, length * units per frame); valid (1, length) bool, False where the window hangs over an end.
    """

    signal: Tensor
    valid: Tensor
    keep_from: int
    keep_to: int

    @property
    def mask(self) -> FrameMask | None:
        """None when every frame is real."""
        return None if bool(self.valid.all()) else FrameMask(self.valid)

    def kept(self, x: Tensor) -> Tensor:
        """The part of a result that this window answers for. Shape: (..., length * factor) -> (..., kept * factor)."""
        factor = x.shape[-1] // self.valid.shape[-1]
        return x[..., self.keep_from * factor : self.keep_to * factor]


class WindowCutter:
    """Takes a signal in blocks of any size and gives its windows as soon as they are complete.

    A signal that fits into one window is one window of its own length. A longer one is cut every ``step`` frames, each
    window reaching ``context`` frames further on both sides.

    ``units`` is the number of samples (or mel frames) of the signal in one coarsest frame.
    """

    def __init__(self, units: int, step: int, context: int) -> None:
        self.units = units
        self.step = step
        self.context = context
        self._parts: list[Tensor] = []
        self._start = 0  # frame at which the buffered signal begins
        self._buffered = 0  # units in the buffer
        self._next = 0  # first frame that no window has answered for

    def push(self, block: Tensor) -> Iterator[Window]:
        """Shape: (C, n)."""
        self._parts.append(block)
        self._buffered += block.shape[-1]
        # Strictly more than one window's reach: otherwise the signal may yet turn out to fit into one window.
        while self._start * self.units + self._buffered > (self._next + self.step + 2 * self.context) * self.units:
            yield self._cut(self._next + self.step, end=None)

    def flush(self) -> Iterator[Window]:
        """The windows of what is left; the signal's last frame is filled up with zeros."""
        if not self._buffered:
            return
        end = self._start + -(-self._buffered // self.units)
        if self._next == 0 and end <= self.step + 2 * self.context:
            signal = self._take(0, end)
            yield Window(signal, torch.ones(1, end, dtype=torch.bool), 0, end)
            return
        while self._next < end:
            yield self._cut(min(self._next + self.step, end), end)

    def _cut(self, keep_to: int, end: int | None) -> Window:
        low = self._next - self.context
        high = self._next + self.step + self.context
        frames = torch.arange(low, high)
        valid = (frames >= 0) & (frames < (high if end is None else end))
        window = Window(self._take(low, high), valid[None], self.context, self.context + keep_to - self._next)
        self._next = keep_to
        self._drop_before(max(0, self._next - self.context))
        return window

    def _take(self, low: int, high: int) -> Tensor:
        """The signal between two frames, zeros where there is none."""
        self._parts = [torch.cat(self._parts, dim=-1)]
        signal = self._parts[0]
        first, last = ((frame - self._start) * self.units for frame in (low, high))
        inside = signal[:, max(0, first) : max(0, last)]
        missing_before = max(0, -first)
        return torch.nn.functional.pad(inside, (missing_before, last - first - missing_before - inside.shape[-1]))

    def _drop_before(self, frame: int) -> None:
        spent = (frame - self._start) * self.units
        if spent > 0:
            # A copy, so that the memory of the spent part is given back.
            self._parts = [self._parts[0][:, spent:].clone()]
            self._start, self._buffered = frame, self._parts[0].shape[-1]
