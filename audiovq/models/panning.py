"""One sound to two channels: the phases of one, the levels of either, and as far apart as they were."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from audiovq.audio.mel import LogMelConfig, mel_filters
from audiovq.models.vocoding import WINDOW_SECONDS, MelInverter
from audiovq.nn.columns import from_columns, to_columns
from audiovq.nn.istft import overlap_add
from audiovq.nn.windows import Window, WindowCutter
from audiovq.units import seconds_to_samples

_BANDS_TO_A_SIDE = 8  # in turn left leads and right does, so that neither is heard first


class Panner:
    """Makes the sound of joint log-mels: a vocoder's of the power that both channels have, then panned band by band.

    Phases found for each channel by itself would have nothing to do with each other. Here the channels have the phases
    of one sound, turned against each other until they agree as much as they are said to. The result is the same to the
    last bit for all cuts of the stream.

    Source: Breebaart et al. 2005, Parametric Coding of Stereo Audio, section 4, with turned phases for a decorrelator.
    """

    _settings: Tensor

    def __init__(self, config: LogMelConfig, mono: MelInverter) -> None:
        self.config = config
        self.mono = mono
        self._window = torch.hann_window(config.n_fft)
        self._to_bins = band_weights(config)
        self._sides = 1 - 2 * (self._to_bins.argmax(0) // _BANDS_TO_A_SIDE % 2).float()
        self._begin()

    def push(self, mel: Tensor) -> Tensor:
        """Take frames and return the samples that are settled. Shape: (3 M, n) -> (2, n')."""
        frames = mel.T.unflatten(1, (3, -1)).contiguous()
        # One frame at a time, since a logarithm's last bit may follow where in a row of numbers it stands.
        powers = [torch.empty(0, self.config.num_mels), *(mono_mel(left, right)[None] for left, right, _ in frames)]
        self._settings = torch.cat([self._settings, mel], dim=1)
        return self._take(self.mono.push(torch.cat(powers).T))

    def flush(self) -> Tensor:
        """Return the samples that `push` kept back; the next `push` begins another sound. Shape: (2, n')."""
        rest = self._take(self.mono.flush())
        ends = [self._pan(window) for window in self._cutter.flush()]
        self._begin()
        return torch.cat([rest, *ends], dim=1)

    def _begin(self) -> None:
        step = max(1, seconds_to_samples(WINDOW_SECONDS, self.config.sample_rate) // self.config.hop_length)
        # Of a frame's samples hear windows that reach so far, and these depend on samples as far again.
        self._reach = -(-self.config.margin_samples // self.config.hop_length)
        self._cutter = WindowCutter(1, step, 2 * self._reach)
        self._sound = torch.empty(0)
        self._settings = torch.empty(3 * self.config.num_mels, 0)

    def _take(self, sound: Tensor) -> Tensor:
        """Pan what there is both sound and settings of."""
        self._sound = torch.cat([self._sound, sound])
        hop = self.config.hop_length
        frames = min(len(self._sound) // hop, self._settings.shape[1])
        columns = to_columns([self._sound[None, : frames * hop], self._settings[:, :frames]], [hop, 1])
        self._sound, self._settings = self._sound[frames * hop :].clone(), self._settings[:, frames:].clone()
        return torch.cat([torch.empty(2, 0), *map(self._pan, self._cutter.push(columns))], dim=1)

    @torch.no_grad()
    def _pan(self, window: Window) -> Tensor:
        """Shape: (hop + 3 M, n) -> (2, kept n * hop)."""
        hop, n_fft, margin = self.config.hop_length, self.config.n_fft, self.config.margin_samples
        sound, settings = from_columns(window.signal, [1, 3 * self.config.num_mels], [hop, 1])
        frames = torch.nn.functional.pad(sound[0], (margin, margin)).unfold(0, n_fft, hop) * self._window
        left, right, agreement = settings.T.unflatten(1, (3, -1)).unbind(1)
        gains = (torch.stack([left, right]) - mono_mel(left, right)).exp() @ self._to_bins
        turns = agreement.clamp(-1, 1).arccos() @ self._to_bins / 2 * self._sides
        turned = torch.polar(torch.ones_like(turns), turns)
        exists = window.valid[0].float()[:, None]
        spectra = torch.fft.rfft(frames) * exists * gains * torch.stack([turned, turned.conj()])
        waves = torch.fft.irfft(spectra, n=n_fft) * self._window
        weight = overlap_add((self._window**2 * exists).T[None], hop).clamp(min=1e-3)
        summed = overlap_add(waves.transpose(1, 2), hop) / weight
        return window.kept(summed[:, margin : margin + sound.shape[1]])


def mono_mel(left: Tensor, right: Tensor) -> Tensor:
    """The log-mel whose power is the mean of two. Shape: as given."""
    return (torch.logaddexp(2 * left, 2 * right) - math.log(2)) / 2


def band_weights(config: LogMelConfig) -> Tensor:
    """How much each bin has of each band's setting; a bin beyond all bands has that of the nearest.

    Shape: (M, F), the sum over M is 1
    """
    filters = mel_filters(config)
    filters = filters / filters.amax(1, keepdim=True).clamp(min=1e-9)
    covered = filters.sum(0) > 0
    bins = torch.arange(len(covered))
    nearest = (bins[:, None] - bins[covered]).abs().argmin(1)
    filters = filters[:, covered][:, nearest]
    return filters / filters.sum(0)
