"""One update of the networks from one global batch, whatever number of processes and micro-batches it is cut into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricOptimizer

from audiovq.system.distributed import all_reduce_sum
from audiovq.train.gradients import sum_gradients
from audiovq.train.random_state import random_state, set_random_state
from audiovq.train.task import AnyBatch, Item, Task, Trained


class NotFiniteError(RuntimeError):
    """A loss or a gradient that is no number."""


@dataclass(frozen=True)
class UpdateReport:
    """What one update saw; the same on every process."""

    terms: dict[str, float]  # every loss term and "loss", their weighted sum
    learning_rates: dict[str, float]
    gradient_norms: dict[str, float]
    audio_seconds: float


class Updater(Generic[Item, AnyBatch]):
    """Forward, backward and optimizers' step of a task."""

    def __init__(self, task: Task[Item, AnyBatch], fabric: Fabric) -> None:
        self.task, self.fabric = task, fabric
        self.optimizers = {
            name: cast(_FabricOptimizer, fabric.setup_optimizers(part.optimizer))
            for name, part in task.networks.items()
        }

    def update(self, step: int, shares: Sequence[AnyBatch]) -> UpdateReport:
        """Take one step.

        Raises: NotFiniteError that names the term, before anything has changed.
        """
        terms, audio_seconds = self._backward(shares)
        self._check(step, {name: value for name, value in terms.items() if name != "loss"}, "loss term")
        rates, norms = {}, {}
        for name, part in self.task.networks.items():
            rates[name], norms[name] = part.learning_rate(step), 0.0
            for group in part.optimizer.param_groups:
                group["lr"] = rates[name]
            sum_gradients(part.module.parameters())
            if not self._has_gradients(part):
                continue
            norm = self.fabric.clip_gradients(
                part.module, part.optimizer, max_norm=part.optim.max_gradient_norm, error_if_nonfinite=False
            )
            norms[name] = float(norm) if norm is not None else 0.0
        if self._scaler() is None:  # in float16 gradients overflow now and then: the scaler skips such a step
            self._check(step, norms, "gradient norm of")
        for name, part in self.task.networks.items():
            if self._has_gradients(part):  # a gradient scaler refuses to step without any
                self.optimizers[name].step()
            part.optimizer.zero_grad()
        self.task.after_update()
        for part in self.task.networks.values():
            part.average.update(part.module)
        return UpdateReport(terms, rates, norms, audio_seconds)

    def rehearse(self, shares: Sequence[AnyBatch]) -> None:
        """Forward and backward that leave no trace.

        Raises: MemoryError that says which settings need less memory.
        """
        state = random_state()
        try:
            self._backward(shares)
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f"the longest batch does not fit: make accumulate larger or data.batch_seconds smaller ({error})"
            ) from error
        for part in self.task.networks.values():
            part.optimizer.zero_grad()
        self.task.discard()
        set_random_state(state)

    def _backward(self, shares: Sequence[AnyBatch]) -> tuple[dict[str, float], float]:
        """Add up the gradients of the shares, each by its part of the global batch.

        Returns every term's mean over the global batch, and the batch's seconds of audio.
        """
        sizes = torch.tensor([[float(share.num_valid), share.audio_seconds] for share in shares], dtype=torch.float64)
        num_valid, audio_seconds = all_reduce_sum(sizes.sum(0).to(self.fabric.device)).tolist()
        weights = self.task.weights()
        means = torch.zeros(len(weights), device=self.fabric.device)
        for share in shares:
            part = share.num_valid / num_valid
            with self.fabric.autocast():
                terms = self.task.losses(self.fabric.to_device(share))
            values = torch.stack([terms[name].float() for name in weights])
            self.fabric.backward(self.task.objective(terms) * part)
            means += values.detach() * part
        named = dict(zip(weights, all_reduce_sum(means).tolist(), strict=True))
        return {"loss": sum(weights[name] * value for name, value in named.items()), **named}, audio_seconds

    @staticmethod
    def _has_gradients(part: Trained) -> bool:
        return any(parameter.grad is not None for parameter in part.module.parameters())

    def _scaler(self) -> object:
        return getattr(self.fabric.strategy.precision, "scaler", None)

    @staticmethod
    def _check(step: int, values: dict[str, float], what: str) -> None:
        wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
        if wrong:
            named = ", ".join(f"{what} {name} is {value}" for name, value in wrong.items())
            raise NotFiniteError(f"step {step}: the {named} (all of them: {values})")
