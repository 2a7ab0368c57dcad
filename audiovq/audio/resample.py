"""Windowed-sinc resampling as a stream: constant memory, and the same samples however the input is cut."""

import torch
import torchaudio.transforms
from torch import Tensor, nn

from audiovq.units import resampled_length


class Resampler:
    """Takes a waveform in pieces of any size by `push`; `flush` ends it, and the next `push` begins another.

    All pieces together equal torchaudio's resampling of the whole. The work is done in tiles of one fixed shape, so
    the result does not depend on the pieces, to the last bit.

    Source: Smith, Digital Audio Resampling Home Page (the algorithm of torchaudio.transforms.Resample).
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self.from_rate = from_rate
        self.to_rate = to_rate
        self._begin()
        if from_rate == to_rate:
            return
        # The module computes its kernel in double precision, which the function of the same name does not.
        design = torchaudio.transforms.Resample(from_rate, to_rate)
        self._kernel: Tensor = design.kernel  # (to, 1, 2 * width + from), the rates divided by their common divisor
        self._width: int = design.width
        self._from = from_rate // design.gcd
        self._to = to_rate // design.gcd
        self._tile_steps = max(1, from_rate // self._from)  # about a second

    def push(self, wave: Tensor) -> Tensor:
        """Take samples and return those that are settled.

        Shape: (C, n) float32 -> (C, m)
        """
        self._num_channels = len(wave)
        self._num_pushed += wave.shape[1]
        if self.from_rate == self.to_rate:
            return wave
        if self._waiting is None:
            self._waiting = wave.new_zeros(len(wave), self._width)  # silence before the beginning
        self._waiting = torch.cat([self._waiting, wave], dim=1)
        return self._tiles()

    def flush(self) -> Tensor:
        """Return the samples that `push` kept back.

        Shape: (C, m)
        """
        if self._waiting is None:
            return torch.empty(self._num_channels, 0)
        left = resampled_length(self._num_pushed, self.from_rate, self.to_rate) - self._num_emitted
        tile_samples = self._tile_steps * self._from
        num_tiles = -(-left // (self._tile_steps * self._to))
        missing = num_tiles * tile_samples + 2 * self._width - self._waiting.shape[1]
        self._waiting = nn.functional.pad(self._waiting, (0, max(0, missing)))
        rest = self._tiles()[:, :left]
        self._begin()
        return rest

    def _begin(self) -> None:
        self._waiting: Tensor | None = None
        self._num_channels = 0
        self._num_pushed = 0
        self._num_emitted = 0

    def _tiles(self) -> Tensor:
        assert self._waiting is not None
        step = self._tile_steps * self._from
        num_tiles = max(0, (self._waiting.shape[1] - 2 * self._width) // step)
        done = [self._tile(self._waiting[:, i * step : (i + 1) * step + 2 * self._width]) for i in range(num_tiles)]
        self._waiting = self._waiting[:, num_tiles * step :].clone()
        result = torch.cat([self._waiting.new_empty(len(self._waiting), 0), *done], dim=1)
        self._num_emitted += result.shape[1]
        return result

    def _tile(self, wave: Tensor) -> Tensor:
        """Shape: (C, tile_steps * from + 2 * width) -> (C, tile_steps * to)."""
        # One channel at a time and always from fresh memory: kernels may add in another order otherwise.
        channels = [
            nn.functional.conv1d(channel.clone()[None, None], self._kernel, stride=self._from) for channel in wave
        ]
        return torch.stack([channel[0].T.flatten() for channel in channels])


def resample(wave: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample a whole waveform. Shape: (C, T) -> (C, units.resampled_length(T, from_rate, to_rate))."""
    if from_rate == to_rate:
        return wave
    resampler = Resampler(from_rate, to_rate)
    return torch.cat([resampler.push(wave), resampler.flush()], dim=1)
