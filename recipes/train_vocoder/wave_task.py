"""Training of what makes waves."""

from __future__ import annotations

from torch import Tensor, nn

from audiovq.data.loader import Batch
from audiovq.models.discriminators import Discriminators, wave_discriminators
from audiovq.nn.mask import FrameMask
from recipes.train_vocoder.adversarial_task import AdversarialTask, Made


class WaveTask(AdversarialTask):
    """A generator of waves, which is told the true ones."""

    distance_name = "multi_scale_mel"

    def new_discriminators(self) -> Discriminators:
        return wave_discriminators(self.config.discriminators)

    def make(self, wave: Tensor, batch: Batch) -> Made:
        mask = self._mask(batch.num_frames, batch.wave)
        keep = self._kept_levels(batch)
        features = self._read(wave, mask, keep, batch.seeds)
        # Heads that overlap frames spill past an item's end.
        output = self.generator.sound(self.trained["network"], features, mask, keep).float() * mask.at(self.hop_length)
        return Made(output, wave, batch.num_frames * self.hop_length)

    def distance(self, signal: Tensor, made: Made) -> Tensor:
        return self.multi_scale_mel(signal, made.target, made.lengths)

    @property
    def rate(self) -> float:
        return self.sample_rate

    def decode(self, network: nn.Module, features: list[Tensor], mask: FrameMask) -> Tensor:
        return self.generator.sound(network, features, mask)
