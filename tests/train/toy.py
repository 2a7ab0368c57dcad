"""A task small enough to run a thousand steps in a test: a line fitted to noisy points, with dropout if wanted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audiovq.train.config import OptimConfig, ResumeConfig, RunConfig
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests
from audiovq.train.task import Task, Trained, Validation

NUM_ITEMS, BATCH = 11, 4  # the last batch of an epoch has three items


@dataclass
class Points:
    x: Tensor
    y: Tensor
    valid: Tensor
    num_valid: int
    audio_seconds: float


class ToyTask(Task[int, Points]):
    def __init__(self, config: RunConfig, dropout: float = 0.0) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.model = nn.Sequential(nn.Linear(3, 5), nn.Dropout(dropout), nn.Tanh(), nn.Linear(5, 1))
        self.frozen = nn.Linear(2, 2)
        self.networks = {
            "line": Trained(self.model, OptimConfig(warmup_steps=2), config.total_steps),
            "unused": Trained(self.frozen, OptimConfig(weight_decay=0.5), config.total_steps),
        }
        self.updates = 0

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[int]]:
        items = list(range(NUM_ITEMS))
        random.Random(f"{self.config.seed} {epoch}").shuffle(items)
        return [items[start : start + BATCH] for start in range(0, NUM_ITEMS, BATCH)]

    def load(self, shares: Sequence[Sequence[int]], epoch: int) -> Iterable[Points]:
        for share in shares:
            lengths = [2 + item % 3 for item in share]
            x, valid = torch.zeros(max(1, len(share)), 4, 3), torch.zeros(max(1, len(share)), 4)
            for row, (item, length) in enumerate(zip(share, lengths, strict=True)):
                x[row, :length] = torch.randn(length, 3, generator=torch.Generator().manual_seed(100 * epoch + item))
                valid[row, :length] = 1
            yield Points(x, x.sum(-1).sin(), valid, sum(lengths), 0.5 * sum(lengths))

    def cost(self, batch: Sequence[int]) -> float:
        return len(batch)

    def losses(self, batch: Points) -> Mapping[str, Tensor]:
        self.model.train()
        error = (self.model(batch.x)[..., 0] - batch.y) * batch.valid
        total = batch.valid.sum().clamp(min=1)
        return {"square": error.square().sum() / total, "size": self.model(batch.x).abs()[..., 0].sum() * 0 / total}

    def weights(self) -> Mapping[str, float]:
        return {"square": 2.0, "size": 0.1}

    def after_update(self) -> None:
        self.updates += 1

    def discard(self) -> None:
        pass

    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        if not go_on():
            return None
        score = float(self.networks["line"].average.weights["3.bias"].abs())
        return Validation(score, {"score": score}, {"score": score}, {}, {}, 8000)

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        torch.save(self.networks["line"].average.weights, folder / "model.pt")


def config(folder: Path, **changes: Any) -> RunConfig:
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "total_steps": 20,
        "device": "cpu",
        "precision": "32-true",
        "log_every": 1,
        "validate_every": 6,
        "checkpoint_every": 4,
    }
    return RunConfig(**(values | changes))


def run(
    folder: Path,
    dropout: float = 0.0,
    task: Callable[[RunConfig, float], ToyTask] = ToyTask,
    allow: Sequence[str] = (),
    **changes: Any,
) -> int:
    """One call of a recipe."""
    settings = config(folder, resume=ResumeConfig(allow=list(allow)), **changes)
    with StopRequests(settings.time_budget_minutes) as stop:
        fabric = launch(settings.device, settings.precision)
        made = task(settings, dropout)
        return Loop(made, settings, {"total_steps": settings.total_steps, "seed": settings.seed}, fabric, stop).run()
