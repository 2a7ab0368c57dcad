"""From spectrograms without phases back to sound, as a stream, in constant memory."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from audiovq.audio.mel import LogMelConfig
from audiovq.audio.unfold import Unfold

_BLOCK_FRAMES = 256
_TINY = 1e-8


class GriffinLim:
    """Turns magnitudes into sound: a first guess of the phases, then `num_iterations` of Griffin-Lim.

    The guess follows spectral peaks from frame to frame and is good: few iterations are left to do, and on blurred
    (decoded) spectrograms many would do harm. Frames enter by `push` in pieces of any size, and the sound is the same
    to the last bit however they are cut: the work is done in blocks of one fixed shape, and each block carries as many
    frames around it as the iterations reach, so that blocks join without a seam. `flush` ends the sound; the next
    `push` begins another.

    Source: Beauregard et al. 2015, Single Pass Spectrogram Inversion (phases); Griffin and Lim 1984 (iterations).
    """

    _takes = "magnitudes"

    def __init__(self, config: LogMelConfig, num_iterations: int = 5, block_frames: int = _BLOCK_FRAMES) -> None:
        if num_iterations < 0:
            raise ValueError(f"num_iterations must not be negative, got {num_iterations}")
        self.config = config
        self.num_iterations = num_iterations
        self.block_frames = block_frames  # fewer come sooner and take longer
        self._num_bins = config.n_fft // 2 + 1
        self._num_rows = self._num_bins  # of the frames that are pushed
        self._window = torch.hann_window(config.n_fft)
        # Windows this many frames apart still touch, so an iteration carries news that far and the last synthesis too.
        reach = (config.n_fft - 1) // config.hop_length
        self._context = reach * (num_iterations + 1)
        self._begin()

    @torch.no_grad()  # a product may come out otherwise in the last bit where something is learned
    def push(self, frames: Tensor) -> Tensor:
        """Take frames and return the samples that are settled.

        Shape: (F, n) magnitudes -> (n',)
        """
        if frames.ndim != 2 or frames.shape[0] != self._num_rows:
            raise ValueError(f"expected {self._takes} of shape ({self._num_rows}, n), got {tuple(frames.shape)}")
        self._num_pushed += frames.shape[1]
        frames = frames.detach().to("cpu", torch.float32).T
        return torch.cat([torch.empty(0), *(self._block(block) for block in self._whole_blocks(frames))])

    @torch.no_grad()
    def flush(self) -> Tensor:
        """Return the samples that `push` kept back, up to hop_length for every frame pushed.

        Shape: (n',)
        """
        missing = self._num_pushed * self.config.hop_length - self._num_emitted
        num_blocks = -(-(self._num_pushed + self._context) // self.block_frames)
        # What stands for the frames after the end only fills the shape: `_iterate` leaves it out.
        filler = torch.zeros(num_blocks * self.block_frames - self._num_pushed, self._num_rows)
        waves = [self._block(block) for block in self._whole_blocks(filler)]
        self._begin()
        return torch.cat([torch.empty(0), *waves])[:missing]

    def _begin(self) -> None:
        self._waiting = torch.empty(0, self._num_rows)
        self._num_pushed = 0
        self._num_emitted = 0
        self._num_blocks = 0
        self._phase = np.zeros(self._num_bins)
        self._magnitude = torch.zeros(2 * self._context, self._num_bins)
        self._spectrum = torch.zeros(2 * self._context, self._num_bins, dtype=torch.complex64)

    def _whole_blocks(self, frames: Tensor) -> Iterator[Tensor]:
        frames = torch.cat([self._waiting, frames])
        num_whole = len(frames) // self.block_frames * self.block_frames
        self._waiting = frames[num_whole:].clone()
        for start in range(0, num_whole, self.block_frames):
            # A copy, so that kernels meet the same memory alignment whatever was pushed.
            yield frames[start : start + self.block_frames].clone()

    def _block(self, frames: Tensor) -> Tensor:
        """Take the next block of frames; return the samples of as many frames, `context` frames before it."""
        first = self._num_blocks * self.block_frames - 2 * self._context
        self._num_blocks += 1
        magnitude = self._magnitudes(frames)
        self._magnitude = torch.cat([self._magnitude, magnitude])
        self._spectrum = torch.cat([self._spectrum, self._continue(magnitude)])
        wave = self._iterate(first)
        self._magnitude = self._magnitude[self.block_frames :].clone()
        self._spectrum = self._spectrum[self.block_frames :].clone()
        hop, margin = self.config.hop_length, self.config.margin_samples
        num_before_start = max(0, -(first + self._context))
        start = self._context + num_before_start
        settled = wave[margin + start * hop : margin + (self._context + self.block_frames) * hop]
        self._num_emitted += len(settled)
        return settled

    def _magnitudes(self, frames: Tensor) -> Tensor:
        """Shape: (N, rows pushed) -> (N, F)."""
        return frames

    def _continue(self, magnitude: Tensor) -> Tensor:
        """Magnitudes with the phases that follow from the frame before them. Shape: (N, F) -> (N, F) complex."""
        phase = self._continue_phase(magnitude)
        return torch.complex(magnitude * phase.cos(), magnitude * phase.sin())  # twice as fast as torch.polar

    def _continue_phase(self, magnitude: Tensor) -> Tensor:
        """Advance every spectral peak by its frequency; the bins around a peak keep its phase.

        Shape: (N, F) -> (N, F)
        """
        num_bins = magnitude.shape[1]
        left, middle, right = (magnitude.clamp(min=_TINY).log()[:, i : num_bins - 2 + i] for i in range(3))
        is_peak = nn.functional.pad((middle >= left) & (middle > right), (1, 1))
        # The vertex of the parabola through three log magnitudes tells where between the bins the peak lies.
        offset = nn.functional.pad((right - left) / (2 * (2 * middle - left - right)).clamp(min=_TINY), (1, 1))
        bins = torch.arange(num_bins)
        count = (bins + num_bins) * torch.stack([is_peak, is_peak.flip(1)])  # products: torch.where is slow here
        below, behind = count.cummax(2).values - num_bins
        above = num_bins - 1 - behind.flip(1)
        peak = (below + (above - below) * (2 * bins > below + above)).clamp(0, num_bins - 1)
        frequency = peak + offset.clamp(-0.5, 0.5).gather(1, peak)
        phase = (frequency.double() * self.config.hop_length / self.config.n_fft).numpy()
        for frame, peak_bins in zip(phase, peak.numpy(), strict=True):
            frame += self._phase[peak_bins]
            self._phase = frame
        self._phase = self._phase - np.floor(self._phase)
        # Half a turn from bin to bin puts the reference in the middle of the window, where its lobe has one phase.
        return (2 * torch.pi * (torch.from_numpy(phase) - 0.5 * bins).frac()).float()

    def _iterate(self, first: int) -> Tensor:
        """Griffin-Lim on the frames held, the first of which has the index `first`.

        Shape: -> (margin + N * hop + margin,)
        """
        hop = self.config.hop_length
        index = first + torch.arange(len(self._magnitude))
        exists = ((index >= 0) & (index < self._num_pushed)).float()[:, None]
        gain = exists.repeat_interleave(hop, dim=0).squeeze(1)  # the sound is zero where there is no frame
        gain = nn.functional.pad(gain, (self.config.margin_samples, self.config.margin_samples))
        gain = gain / self._overlap_add(exists * self._window**2).clamp(min=1e-3)
        magnitude = self._magnitude * exists
        spectrum = self._spectrum * exists
        for _ in range(self.num_iterations):
            wave = self._synthesise(spectrum) * gain
            spectrum = torch.fft.rfft(wave.unfold(0, self.config.n_fft, hop) * self._window)
            # |X| by products: twice as fast as abs(), which guards against overflow that cannot be here.
            power = (spectrum * spectrum.conj()).real
            spectrum = spectrum * (magnitude * power.clamp(min=_TINY**2).rsqrt())
        return self._synthesise(spectrum) * gain

    def _synthesise(self, spectrum: Tensor) -> Tensor:
        return self._overlap_add(torch.fft.irfft(spectrum, n=self.config.n_fft).mul_(self._window))

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Shape: (N, n_fft) -> ((N - 1) * hop + n_fft,)."""
        hop, n_fft, num_frames = self.config.hop_length, self.config.n_fft, len(frames)
        overlap = -(-n_fft // hop)
        pieces = nn.functional.pad(frames, (0, overlap * hop - n_fft)).view(num_frames, overlap, hop)
        total = torch.zeros(num_frames + overlap - 1, hop)
        for i in range(overlap):
            total[i : i + num_frames] += pieces[:, i]
        return total.view(-1)[: (num_frames - 1) * hop + n_fft]


class MelGriffinLim(GriffinLim):
    """The same from log-mels, whose magnitudes are unfolded first: a vocoder without a network."""

    _takes = "log-mels"

    def __init__(self, config: LogMelConfig, num_iterations: int = 5, block_frames: int = _BLOCK_FRAMES) -> None:
        super().__init__(config, num_iterations, block_frames)
        self._num_rows = config.num_mels
        self._unfold = Unfold(config)
        self._begin()

    def _magnitudes(self, frames: Tensor) -> Tensor:
        unfolded: Tensor = self._unfold(frames.exp())
        return unfolded
