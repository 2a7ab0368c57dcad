"""Windowed-sinc resampling as a stream: constant memory, and the same samples however the input is cut."""

from functools import lru_cache
from math import ceil, gcd

import torch
from torch import Tensor, nn

from audiovq.units import resampled_length

# torchaudio's defaults: zero crossings of the sinc on either side, and its cut-off as a part of the lower Nyquist rate.
_ZERO_CROSSINGS = 6
_ROLLOFF = 0.99
_TILE_SAMPLES = 1 << 14
_LARGEST_RATIO = 256


class Resampler:
    """Takes a waveform in pieces of any size by `push`; `flush` ends it, and the next `push` begins another.

    All pieces together equal torchaudio's resampling of the whole. The work is done in tiles of one fixed shape, so
    the result does not depend on the pieces, to the last bit. Only the taps that are not zero are kept, so that rates
    without a common divisor cost no more than others (torchaudio's table for 11127 Hz takes 700 MB).

    Source: Smith, Digital Audio Resampling Home Page (as in torchaudio.functional.resample).
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        if max(from_rate, to_rate) > _LARGEST_RATIO * min(from_rate, to_rate):
            raise ValueError(
                f"cannot resample from {from_rate} Hz to {to_rate} Hz: expected rates at most {_LARGEST_RATIO} times "
                "apart (is the header of the file damaged?)"
            )
        self.from_rate = from_rate
        self.to_rate = to_rate
        divisor = gcd(from_rate, to_rate)
        self._starts, self._kernel = _filter_bank(from_rate // divisor, to_rate // divisor)
        self._margin = self._kernel.shape[1] // 2
        self._step = len(self._starts) * from_rate // to_rate  # samples that a tile takes; it gives len(starts)
        self._begin()

    def push(self, wave: Tensor) -> Tensor:
        """Take samples and return those that are settled.

        Shape: (C, n) -> (C, m)
        """
        if self._num_pushed == 0:
            self._waiting = wave.new_zeros(len(wave), self._margin)  # silence before the beginning
        self._num_pushed += wave.shape[1]
        if self.from_rate == self.to_rate:
            self._num_emitted += wave.shape[1]
            return wave
        self._waiting = torch.cat([self._waiting, wave], dim=1)
        num_tiles = max(0, (self._waiting.shape[1] - 2 * self._margin) // self._step)
        starts = [tile * self._step for tile in range(num_tiles)]
        tiles = [self._tile(self._waiting[:, start : start + self._step + 2 * self._margin]) for start in starts]
        self._waiting = self._waiting[:, num_tiles * self._step :].clone()
        self._num_emitted += num_tiles * len(self._starts)
        return torch.cat([self._waiting[:, :0], *tiles], dim=1)

    def flush(self) -> Tensor:
        """Return the samples that `push` kept back.

        Shape: (C, m)
        """
        missing = resampled_length(self._num_pushed, self.from_rate, self.to_rate) - self._num_emitted
        num_tiles = -(-missing // len(self._starts))
        silence = num_tiles * self._step + 2 * self._margin - self._waiting.shape[1]
        rest = self.push(nn.functional.pad(self._waiting[:, :0], (0, silence))) if missing else self._waiting[:, :0]
        self._begin()
        return rest[:, :missing]

    def _begin(self) -> None:
        self._waiting = torch.empty(0, 0)
        self._num_pushed: int = 0
        self._num_emitted: int = 0

    def _tile(self, wave: Tensor) -> Tensor:
        """Shape: (C, step + 2 * margin) -> (C, len(starts))."""
        # Channel by channel and from fresh memory, so that kernels always meet the same shapes and alignment.
        windows = (
            channel.clone().unfold(0, self._kernel.shape[1], 1).index_select(0, self._starts) for channel in wave
        )
        return torch.stack([(window * self._kernel).sum(1) for window in windows])


def resample(wave: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample a whole waveform.

    Shape: (C, T) -> (C, units.resampled_length(T, from_rate, to_rate))
    """
    resampler = Resampler(from_rate, to_rate)
    return torch.cat([resampler.push(wave), resampler.flush()], dim=1)


@lru_cache(maxsize=4)
def _filter_bank(from_rate: int, to_rate: int) -> tuple[Tensor, Tensor]:
    """For every sample that a tile gives: the first sample of its input that it reads, and the weights from there on.

    Shape: (samples,) int64, (samples, taps)
    """
    cut_off = _ROLLOFF * min(from_rate, to_rate)
    width = ceil(_ZERO_CROSSINGS * from_rate / cut_off)
    tap = torch.arange(1 - width, width + 1)
    phase = torch.arange(to_rate) * from_rate % to_rate
    crossings = (tap - phase[:, None].double() / to_rate) * (cut_off / from_rate)
    window = torch.cos(crossings.clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS) * torch.pi / (2 * _ZERO_CROSSINGS)) ** 2
    kernel = torch.sinc(crossings) * window * (cut_off / from_rate)
    num_periods = max(1, _TILE_SAMPLES // to_rate)
    starts = torch.arange(num_periods * to_rate) * from_rate // to_rate + 1
    return starts, kernel.float().repeat(num_periods, 1)
