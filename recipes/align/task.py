"""The training of an aligner."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from lightning_fabric import Fabric
from torch import Tensor

from audiovq.data.inventories import Inventories
from audiovq.data.length_batches import length_batches, ordered_length_batches
from audiovq.losses.forward_sum import forward_sum_loss
from audiovq.priors.alignment.aligner import Aligner, beta_binomial_log_prior
from audiovq.system.distributed import all_reduce_sum, rank, world_size
from audiovq.system.files import write_atomically
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained, Validation
from recipes.align.config import AlignConfig
from recipes.align.corpus import Batch, Collator, Utterance

NUM_PICTURES = 3


class AlignTask(Task[Utterance, Batch]):
    """An aligner, its data and its loss."""

    score_name = "nats_per_frame"

    def __init__(
        self,
        config: AlignConfig,
        train: Sequence[Utterance],
        valid: Sequence[Utterance],
        known: Inventories,
        collate: Collator,
        fabric: Fabric,
    ) -> None:
        self.config, self.known, self.collate, self.fabric = config, known, collate, fabric
        torch.manual_seed(config.seed)
        self.model = Aligner(config.model).to(fabric.device)
        self.average_model = Aligner(config.model).to(fabric.device).eval()
        self.networks = {"aligner": Trained(self.model, config.optim, config.total_steps)}
        self.train_items = [item for item in train if item.is_possible]
        self.valid_items = spread([item for item in valid if item.is_possible], self._frames(config.data.valid_seconds))
        self.prior_weight = 0.0

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.collate.frames_per_second)

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Utterance]]:
        lengths = [item.spoken.num_frames for item in self.train_items]
        total = self._frames(self.config.data.batch_seconds)
        batches = length_batches(lengths, total, self.config.seed, epoch)
        return [[self.train_items[index] for index in batch] for batch in batches]

    def load(self, shares: Sequence[Sequence[Utterance]], epoch: int) -> Iterable[Batch]:
        return map(self.collate, shares)

    def cost(self, batch: Sequence[Utterance]) -> float:
        return len(batch) * max(item.spoken.num_frames for item in batch)

    def weights(self) -> Mapping[str, float]:
        return {"forward_sum": 1.0}

    def before_step(self, step: int) -> str | None:
        self.prior_weight = max(0.0, 1 - step / max(1, self.config.prior_steps))
        return None

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """In nats per frame."""
        self.model.train()
        log_probs = self._log_probs(self.model, batch)
        if self.prior_weight > 0:
            prior = beta_binomial_log_prior(batch.num_frames, batch.num_symbols, self.config.prior_scaling)
            log_probs = log_probs + self.prior_weight * prior
        total = forward_sum_loss(log_probs, batch.num_frames, batch.num_symbols, batch.optional).sum()
        return {"forward_sum": total / max(1, batch.num_valid)}

    @staticmethod
    def _log_probs(model: Aligner, batch: Batch) -> Tensor:
        log_probs: Tensor = model(
            batch.symbols, batch.num_symbols, batch.speakers, batch.languages, batch.features, batch.num_frames
        )
        return log_probs

    def after_update(self) -> None:
        """Nothing follows."""

    def discard(self) -> None:
        """Nothing is gathered."""

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """The loss without the prior, on held-out utterances."""
        model, sums = self.averaged(), torch.zeros(2, dtype=torch.float64, device=self.fabric.device)
        lengths = [item.spoken.num_frames for item in self.valid_items]
        batches = ordered_length_batches(lengths, self._frames(self.config.data.batch_seconds))
        own = [[self.valid_items[index] for index in batch] for batch in batches[rank() :: world_size()]]

        def look(share: Batch) -> None:
            batch = self.fabric.to_device(share)
            losses = forward_sum_loss(
                self._log_probs(model, batch), batch.num_frames, batch.num_symbols, batch.optional
            )
            sums[0] += losses.sum()
            sums[1] += batch.num_valid

        if not in_rounds(map(self.collate, own), len(batches), go_on, look):
            return None
        total, frames = all_reduce_sum(sums).tolist()
        score = total / max(1.0, frames)
        pictures = {
            f"alignment{index}": self.log_probs([item])[0].T.cpu()
            for index, item in enumerate(self.valid_items[:: max(1, len(self.valid_items) // NUM_PICTURES)])
            if rank() == 0
        }
        values = {"nats_per_frame": round(score, 4)}
        return Validation(score, values, {"nats_per_frame": score}, pictures, {}, 0)

    @torch.inference_mode()
    def log_probs(self, items: Sequence[Utterance]) -> Tensor:
        """By the averaged weights that ``averaged`` has last taken over. Shape: (B, N, S)."""
        return self._log_probs(self.average_model, self.fabric.to_device(self.collate(items)))

    def averaged(self) -> Aligner:
        """The network for use."""
        self.average_model.load_state_dict(self.networks["aligner"].average.weights)
        return self.average_model

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        card = {"model": dataclasses.asdict(self.config.model), "known": dataclasses.asdict(self.known)}
        with write_atomically(folder / "model.safetensors") as file:
            file.write(safetensors.torch.save(self.averaged().state_dict()))
        with write_atomically(folder / "config.json") as file:
            file.write((json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())


def spread(items: Sequence[Utterance], num_frames: int) -> list[Utterance]:
    """Every k-th, so that about ``num_frames`` remain from all over the list."""
    total = sum(item.spoken.num_frames for item in items)
    return list(items[:: max(1, total // max(1, num_frames))])
