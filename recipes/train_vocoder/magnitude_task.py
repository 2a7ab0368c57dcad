"""Training of magnitudes: what the mel filters, or a tokenizer, have blurred is learned bin by bin."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiovq.audio.griffin_lim import GriffinLim
from audiovq.data.loader import Batch
from audiovq.losses.masked import compressed, l1_loss
from audiovq.models.discriminators import Discriminators, magnitude_discriminators
from audiovq.nn.mask import FrameMask
from recipes.train_vocoder.adversarial_task import AdversarialTask, Made


class MagnitudeTask(AdversarialTask):
    """A vocoder with a magnitude head, which is told the true magnitudes; all is done on compressed ones."""

    distance_name = "magnitude"

    def new_discriminators(self) -> Discriminators:
        return magnitude_discriminators(self.config.discriminators)

    def make(self, wave: Tensor, batch: Batch) -> Made:
        mask = self._mask(batch.num_frames, batch.wave)
        (mel,) = self._read(wave, mask, None, batch.seeds)
        frames = mask.at(self._frames_in_hop)
        output = compressed(self.trained["network"](mel, frames)) * frames
        return Made(output, compressed(self.log_mel.magnitude(wave)) * frames, batch.num_frames * self._frames_in_hop)

    def distance(self, signal: Tensor, made: Made) -> Tensor:
        return l1_loss(signal, made.target, FrameMask.from_lengths(made.lengths, signal.shape[-1]).at(1))

    @property
    def rate(self) -> float:
        return self.sample_rate / self.generator.mel.hop_length

    @property
    def _frames_in_hop(self) -> int:
        return self.hop_length // self.generator.mel.hop_length

    def decode(self, network: nn.Module, features: list[Tensor], mask: FrameMask) -> Tensor:
        (mel,) = features
        magnitudes = network(mel, mask.at(self._frames_in_hop))
        return torch.stack([self._sound(item) for item in magnitudes])[:, None].to(mel.device)

    def _sound(self, magnitude: Tensor) -> Tensor:
        """Shape: (F, N) -> (N * hop,)."""
        config = self.config.model
        griffin_lim = GriffinLim(config.mel, config.num_iterations)
        return torch.cat([griffin_lim.push(magnitude), griffin_lim.flush()])
