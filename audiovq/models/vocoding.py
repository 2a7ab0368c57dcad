"""From log-mels to sound: a vocoder's network run over a stream of frames."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from audiovq.audio.griffin_lim import GriffinLim
from audiovq.models.vocoder import Vocoder
from audiovq.nn.windows import Window, WindowCutter
from audiovq.units import seconds_to_samples

WINDOW_SECONDS = 16  # of each window's own part; longer windows save overlap, shorter ones memory


class MelInverter(Protocol):
    """Log-mel frames in, sound out; what is not settled yet comes later. `flush` ends the sound."""

    def push(self, mel: Tensor) -> Tensor:
        """Shape: (M, n) -> (n',), or (2, n') of a joint log-mel."""

    def flush(self) -> Tensor:
        """Shape: as of `push`."""


def vocode(mels: Iterable[Tensor], begin: Callable[[], MelInverter]) -> Iterator[Tensor]:
    """Log-mels of all channels to sound, each by itself. Shape: each (C, M, n) -> each (C, n'), or (C, 2, n')."""
    inverters: list[MelInverter] = []
    for mel in mels:
        inverters = inverters or [begin() for _ in mel]
        yield torch.stack([inverter.push(channel) for inverter, channel in zip(inverters, mel, strict=True)])
    yield torch.stack([inverter.flush() for inverter in inverters])


class VocoderStream:
    """Runs a vocoder over frames that come in pieces of any size; the sound is the same to the last bit for all cuts.

    The network's windows have one shape and see as much around them as it does: see audiovq.nn.windows. Of magnitudes
    Griffin-Lim makes the sound.
    """

    def __init__(self, vocoder: Vocoder, device: str | torch.device = "cpu") -> None:
        self.vocoder = vocoder
        self.device = torch.device(device)
        self._begin()

    def push(self, mel: Tensor) -> Tensor:
        """Take frames and return the samples that are settled.

        Shape: (M, n) -> (n',)
        """
        num_mels = self.vocoder.config.mel.num_mels
        if mel.ndim != 2 or mel.shape[0] != num_mels:
            raise ValueError(f"expected a log-mel of shape ({num_mels}, n), got {tuple(mel.shape)}")
        return torch.cat([torch.empty(0), *map(self._sound, self._cutter.push(mel))])

    def flush(self) -> Tensor:
        """Return the samples that `push` kept back, up to hop_length for every frame; the next `push` begins another.

        Shape: (n',)
        """
        waves = list(map(self._sound, self._cutter.flush()))
        if self._griffin_lim is not None:
            waves.append(self._griffin_lim.flush())
        self._begin()
        return torch.cat([torch.empty(0), *waves])

    def _begin(self) -> None:
        config, mel = self.vocoder.config, self.vocoder.config.mel
        self._griffin_lim = GriffinLim(mel, config.num_iterations) if config.head == "magnitude" else None
        step = max(1, seconds_to_samples(WINDOW_SECONDS, mel.sample_rate) // mel.hop_length)
        self._cutter = WindowCutter(1, step, self.vocoder.context)

    @torch.inference_mode()
    def _sound(self, window: Window) -> Tensor:
        mask = None if window.mask is None else window.mask.at(1).to(self.device)
        made = window.kept(self.vocoder(window.signal[None].to(self.device), mask))[0].float().cpu()
        return made[0] if self._griffin_lim is None else self._griffin_lim.push(made)
