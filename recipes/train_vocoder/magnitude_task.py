"""Training of magnitudes alone: what the mel filters, or a tokenizer, have blurred is learned bin by bin."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from audiovq.audio.griffin_lim import GriffinLim
from audiovq.data.augment import random_gains
from audiovq.data.loader import Batch
from audiovq.losses.masked import compressed_magnitude_loss
from audiovq.nn.mask import FrameMask
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.task import VocoderTask


class MagnitudeTask(VocoderTask):
    """A vocoder with a magnitude head, which is told the true magnitudes."""

    def __init__(self, config: TrainVocoderConfig, fabric: Fabric) -> None:
        super().__init__(config, fabric, {})

    def weights(self) -> Mapping[str, float]:
        return {"magnitude": 1.0}

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        self.trained.train()
        mask = self._mask(batch.num_frames, batch.wave)
        wave = batch.wave * random_gains(batch, self.config.data.gain_db)
        (mel,) = self._read(wave, mask, None, batch.seeds)
        frames = mask.at(self.hop_length // self.generator.mel.hop_length)
        return {
            "magnitude": compressed_magnitude_loss(
                self.trained["network"](mel, frames), self.log_mel.magnitude(wave), frames
            )
        }

    def after_update(self) -> None:
        """Nothing."""

    def discard(self) -> None:
        """Nothing."""

    def decode(self, network: nn.Module, features: list[Tensor], mask: FrameMask) -> Tensor:
        (mel,) = features
        magnitudes = network(mel, mask.at(self.hop_length // self.generator.mel.hop_length))
        return torch.stack([self._sound(item) for item in magnitudes])[:, None].to(mel.device)

    def _sound(self, magnitude: Tensor) -> Tensor:
        """Shape: (F, N) -> (N * hop,)."""
        config = self.config.model
        griffin_lim = GriffinLim(config.mel, config.num_iterations)
        return torch.cat([griffin_lim.push(magnitude), griffin_lim.flush()])
