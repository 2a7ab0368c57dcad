"""Training against discriminators: the generator learns from what is said of what it makes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import safetensors.torch
import torch
from lightning_fabric import Fabric
from torch import Tensor

from audiovq.data.augment import random_gains
from audiovq.data.item_random import uniform
from audiovq.data.loader import Batch
from audiovq.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from audiovq.losses.balancer import Balancer
from audiovq.models.discriminators import Discriminators
from audiovq.pretrained import ModelError, find
from audiovq.system.distributed import all_reduce_sum
from audiovq.system.files import write_atomically
from audiovq.train.task import Trained
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.task import VocoderTask

DISCRIMINATORS_FILE = "discriminators.safetensors"  # beside the model


@dataclass
class Made:
    """What the generator makes of a batch, beside what it should be.

    Shapes: output, target (B, C, T), lengths (B,): how much of T is each item's own.
    """

    output: Tensor
    target: Tensor
    lengths: Tensor


class AdversarialTask(VocoderTask):
    """A generator of waves or of magnitudes, its discriminators, and their losses."""

    distance_name: ClassVar[str]  # the loss that needs no discriminators

    def __init__(self, config: TrainVocoderConfig, fabric: Fabric) -> None:
        self.generator_weights = {
            name: weight
            for name in (self.distance_name, "adversarial", "feature_matching")
            if (weight := getattr(config.loss, name))
        }
        self.balancer = Balancer(self.generator_weights, config.balancer.decay).to(fabric.device)
        super().__init__(config, fabric, {"balancer": self.balancer})
        self.start_step = config.adversarial.start_step
        if config.loss.uses_discriminators:
            self.discriminators = begun(self.new_discriminators(), config).to(fabric.device)
            self.networks["discriminators"] = Trained(
                self.discriminators, config.discriminator_optim, config.total_steps, self.start_step
            )
        # Whether discriminators learn, and the generator from them; first all that the run will come to, for memory.
        self.adversarial = config.loss.uses_discriminators and self.start_step < config.total_steps
        self.listening = self.start_step + config.adversarial.lead_steps < config.total_steps

    @abstractmethod
    def new_discriminators(self) -> Discriminators:
        """With random weights."""

    @abstractmethod
    def make(self, wave: Tensor, batch: Batch) -> Made:
        """What the generator makes of ``wave``, which is the batch's but for its level."""

    @abstractmethod
    def distance(self, signal: Tensor, made: Made) -> Tensor:
        """How far a signal of the output's shape is from the target."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """Steps of the output's last axis in a second."""

    def before_step(self, step: int) -> str | None:
        self.adversarial = self.config.loss.uses_discriminators and step >= self.start_step
        self.listening = step >= self.start_step + self.config.adversarial.lead_steps
        return None

    def weights(self) -> Mapping[str, float]:
        weights = self.generator_weights
        if not (self.adversarial and self.listening):
            weights = {self.distance_name: weights[self.distance_name]}
        return {**weights, "discriminators": 1.0} if self.adversarial else weights

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The terms, and as "objective" what to descend.

        The generator's terms are functions of its output cut off from it: of their gradients there, weighed, the
        objective makes the generator's. So the discriminators learn from their own term alone, and the generator from
        its own, with one judgement of what is made for both.
        """
        self.trained.train()
        made = self.make(batch.wave * random_gains(batch, self.config.data.gain_db), batch)
        signal = made.output.detach().requires_grad_()
        terms = {self.distance_name: self.distance(signal, made)}
        judging = signal.new_zeros(())
        if self.adversarial:
            judged = self._judge(signal, made, batch.seeds)
            judging = judged.pop("discriminators")
            terms |= judged
        gradient = self._gradient(terms, signal, made.lengths)
        return {
            **{name: term.detach() for name, term in terms.items()},
            "discriminators": judging,
            "objective": (made.output * gradient).sum() + judging,
        }

    def objective(self, terms: Mapping[str, Tensor]) -> Tensor:
        return terms["objective"]

    def _judge(self, signal: Tensor, made: Made, seeds: Tensor) -> dict[str, Tensor]:
        """All terms that discriminators have a part in, from a random part of each item."""
        length = min(signal.shape[-1], round(self.config.adversarial.judged_seconds * self.rate))
        starts = (uniform(seeds, "judged").to(signal.device) * (made.lengths - length).clamp(min=0)).long()
        places = starts[:, None, None] + torch.arange(length, device=signal.device)
        places = places.expand(-1, signal.shape[1], -1)
        heard = made.lengths.clamp(max=length)
        real = self.discriminators(made.target.gather(2, places), heard)
        decoded = self.discriminators(signal.gather(2, places), heard)
        form, frames = self.config.adversarial.form, [view.score_frames for view in decoded]
        scores = [view.score for view in decoded]
        terms = {
            "discriminators": discriminator_loss(form, [view.score for view in real], scores, frames, made.lengths)
        }
        if self.listening and self.config.loss.adversarial:
            terms["adversarial"] = generator_loss(form, scores, frames, made.lengths)
        if self.listening and self.config.loss.feature_matching:
            terms["feature_matching"] = feature_matching_loss(
                [layer for view in real for layer in view.features],
                [layer for view in decoded for layer in view.features],
                [layer for view in decoded for layer in view.feature_frames],
                made.lengths,
            )
        return terms

    def _gradient(self, terms: Mapping[str, Tensor], signal: Tensor, lengths: Tensor) -> Tensor:
        """What the generator is to descend, at its output. Shape: (B, C, T)."""
        total = lengths.sum().clamp(min=1)
        weights = self.generator_weights
        with torch.autocast(signal.device.type, enabled=False):
            if not self.config.balancer.enabled:
                weighted = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
                (gradient,) = torch.autograd.grad(weighted, signal, retain_graph=True)
                return gradient
            gradients = {name: torch.autograd.grad(term, signal, retain_graph=True)[0] for name, term in terms.items()}
        # Of an item's own loss, of which it has a part by its length in that of the batch.
        per_item = (total / lengths.clamp(min=1))[:, None, None]
        own = {name: gradient * per_item for name, gradient in gradients.items()}
        self.balancer.measure(own, lengths)
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


def begun(discriminators: Discriminators, config: TrainVocoderConfig) -> Discriminators:
    """With the weights that ``init_from`` came with, if it came with any."""
    path = find(config.init_from) / DISCRIMINATORS_FILE if config.init_from else None
    if path is not None and path.is_file():
        try:
            weights = safetensors.torch.load_file(path)
            discriminators.load_state_dict({name: value.float() for name, value in weights.items()})
        except (RuntimeError, safetensors.SafetensorError) as error:
            raise ModelError(f"{path} does not fit the configuration's discriminators: {error}") from error
    return discriminators
