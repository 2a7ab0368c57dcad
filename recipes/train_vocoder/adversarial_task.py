"""Training against discriminators: the generator makes waveforms and learns from what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from audiovq.data.augment import random_gains
from audiovq.data.item_random import uniform
from audiovq.data.loader import Batch
from audiovq.files import write_atomically
from audiovq.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from audiovq.losses.balancer import Balancer
from audiovq.models.discriminators import Discriminators
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import ModelError, find
from audiovq.processes import all_reduce_sum
from audiovq.train.task import Trained
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.task import VocoderTask

DISCRIMINATORS_FILE = "discriminators.safetensors"  # beside the model


class AdversarialTask(VocoderTask):
    """A generator of sound, its discriminators, and their losses."""

    def __init__(self, config: TrainVocoderConfig, fabric: Fabric) -> None:
        self.balancer = Balancer(generator_weights(config), config.balancer.decay).to(fabric.device)
        super().__init__(config, fabric, {"balancer": self.balancer})
        self.start_step = config.adversarial.start_step
        if config.loss.uses_discriminators:
            self.discriminators = initial_discriminators(config).to(fabric.device)
            self.networks["discriminators"] = Trained(
                self.discriminators, config.discriminator_optim, config.total_steps, self.start_step
            )
        # Whether discriminators learn, and the generator from them; first all that the run will come to, for memory.
        self.adversarial = config.loss.uses_discriminators and self.start_step < config.total_steps
        self.listening = self.start_step + config.adversarial.lead_steps < config.total_steps

    def decode(self, network: nn.Module, features: list[Tensor], mask: FrameMask) -> Tensor:
        return self.generator.sound(network, features, mask)

    def before_step(self, step: int) -> None:
        self.adversarial = self.config.loss.uses_discriminators and step >= self.start_step
        self.listening = step >= self.start_step + self.config.adversarial.lead_steps

    def weights(self) -> Mapping[str, float]:
        weights = generator_weights(self.config)
        if not (self.adversarial and self.listening):
            weights = {"multi_scale_mel": weights["multi_scale_mel"]}
        return {**weights, "discriminators": 1.0} if self.adversarial else weights

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The terms, and as "objective" what to descend.

        The generator's terms are functions of its output cut off from it: of their gradients there, weighed, the
        objective makes the generator's. So the discriminators learn from their own term alone, and the generator from
        its own, with one judgement of the decoded wave for both.
        """
        self.trained.train()
        mask, num_samples = self._mask(batch.num_frames, batch.wave), batch.num_frames * self.hop_length
        wave = batch.wave * random_gains(batch, self.config.data.gain_db)
        keep = self._kept_levels(batch)
        features = self._read(wave, mask, keep, batch.seeds)
        # Heads that overlap frames spill past an item's end.
        output = self.generator.sound(self.trained["network"], features, mask, keep).float() * mask.at(self.hop_length)
        signal = output.detach().requires_grad_()
        terms = {"multi_scale_mel": self.multi_scale_mel(signal, wave, num_samples)}
        judging = output.new_zeros(())
        if self.adversarial:
            judged = self._judge(signal, wave, num_samples, batch.seeds)
            judging = judged.pop("discriminators")
            terms |= judged
        gradient = self._gradient(terms, signal, num_samples)
        objective = (output * gradient).sum() + judging
        return {
            **{name: term.detach() for name, term in terms.items()},
            "discriminators": judging,
            "objective": objective,
        }

    def objective(self, terms: Mapping[str, Tensor]) -> Tensor:
        return terms["objective"]

    def _judge(self, signal: Tensor, wave: Tensor, num_samples: Tensor, seeds: Tensor) -> dict[str, Tensor]:
        """All terms that discriminators have a part in, from a random part of each item."""
        length = min(wave.shape[-1], round(self.config.adversarial.judged_seconds * self.sample_rate))
        starts = (uniform(seeds, "judged").to(wave.device) * (num_samples - length).clamp(min=0)).long()
        places = starts[:, None, None] + torch.arange(length, device=wave.device)
        heard = num_samples.clamp(max=length)
        real = self.discriminators(wave.gather(2, places), heard)
        decoded = self.discriminators(signal.gather(2, places), heard)
        form, frames = self.config.adversarial.form, [view.score_frames for view in decoded]
        scores = [view.score for view in decoded]
        terms = {"discriminators": discriminator_loss(form, [view.score for view in real], scores, frames, num_samples)}
        if self.listening and self.config.loss.adversarial:
            terms["adversarial"] = generator_loss(form, scores, frames, num_samples)
        if self.listening and self.config.loss.feature_matching:
            terms["feature_matching"] = feature_matching_loss(
                [layer for view in real for layer in view.features],
                [layer for view in decoded for layer in view.features],
                [layer for view in decoded for layer in view.feature_frames],
                num_samples,
            )
        return terms

    def _gradient(self, terms: Mapping[str, Tensor], signal: Tensor, num_samples: Tensor) -> Tensor:
        """What the generator is to descend, at its output. Shape: (B, 1, T)."""
        total = num_samples.sum().clamp(min=1)
        weights = generator_weights(self.config)
        with torch.autocast(signal.device.type, enabled=False):
            if not self.config.balancer.enabled:
                weighted = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
                (gradient,) = torch.autograd.grad(weighted, signal, retain_graph=True)
                return gradient
            gradients = {name: torch.autograd.grad(term, signal, retain_graph=True)[0] for name, term in terms.items()}
        # Of an item's own loss, of which it has a part by its length in that of the batch.
        per_item = (total / num_samples.clamp(min=1))[:, None, None]
        own = {name: gradient * per_item for name, gradient in gradients.items()}
        self.balancer.measure(own, num_samples)
        return self.balancer.combine(gradients)

    def after_update(self) -> None:
        self.balancer.update(all_reduce_sum(self.balancer.take()))

    def discard(self) -> None:
        self.balancer.take()

    def export(self, folder: Path) -> None:
        super().export(folder)
        part = self.networks.get("discriminators")
        if part is not None and part.average.num_updates > self.start_step:
            weights = {name: value.half().contiguous() for name, value in part.average.weights.items()}
            with write_atomically(folder / DISCRIMINATORS_FILE) as file:
                file.write(safetensors.torch.save(weights))


def generator_weights(config: TrainVocoderConfig) -> dict[str, float]:
    """Of the terms that the generator learns from."""
    names = ("multi_scale_mel", "adversarial", "feature_matching")
    return {name: getattr(config.loss, name) for name in names if getattr(config.loss, name)}


def initial_discriminators(config: TrainVocoderConfig) -> Discriminators:
    """Random, or those that ``init_from`` came with."""
    discriminators = Discriminators(config.discriminators)
    path = find(config.init_from) / DISCRIMINATORS_FILE if config.init_from else None
    if path is not None and path.is_file():
        try:
            weights = safetensors.torch.load_file(path)
            discriminators.load_state_dict({name: value.float() for name, value in weights.items()})
        except (RuntimeError, safetensors.SafetensorError) as error:
            raise ModelError(f"{path} does not fit the configuration's discriminators: {error}") from error
    return discriminators
