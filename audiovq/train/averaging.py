"""An exponential moving average of a model's parameters and buffers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightAverage:
    """Keeps ``average = decay * average + (1 - decay) * weights``; buffers and integers are copied.

    The decay is shortened at the start, so that the first random weights are soon forgotten.

    Source: Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.num_updates = 0
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.parameters = {name for name, _ in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.num_updates += 1
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        state = model.state_dict()
        # All at once: for one after another a GPU would wait longer than it works.
        torch._foreach_lerp_(
            [self.weights[name] for name in state if name in self.parameters],
            [value for name, value in state.items() if name in self.parameters],
            1 - decay,
        )
        for name, value in state.items():
            if name not in self.parameters:
                self.weights[name].copy_(value)

    def state_dict(self) -> dict[str, int | dict[str, Tensor]]:
        return {"num_updates": self.num_updates, "weights": self.weights}

    def load_state_dict(self, state: dict[str, int | dict[str, Tensor]]) -> None:
        weights, num_updates = state["weights"], state["num_updates"]
        assert isinstance(weights, dict) and isinstance(num_updates, int)
        self.num_updates = num_updates
        for name, value in weights.items():
            self.weights[name].copy_(value)
