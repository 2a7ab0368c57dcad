"""Loss terms weighed by the gradients that they send into a signal, not by their values."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Balancer(nn.Module):
    """Gives every term a share of the gradient at the signal that all of them are functions of.

    A term's gradient is multiplied by its weight and brought to the typical size of the first term's; so the first
    term counts as it would alone, and a term of half its weight pulls half as hard. Typical sizes are running means
    over the steps before; a term that has none yet counts nothing.

    Statistics are gathered by ``measure`` and applied by ``update``: sums of them, over the parts that a batch was
    cut into, give what the whole batch would have given.

    Source: Défossez et al. 2022, High Fidelity Neural Audio Compression, section 3.4, equation 6; that sizes are those
    of single items and of earlier steps, and the first term's as the reference, are our own.
    """

    squares: Tensor  # of each term, the running mean of squared norms, times ``totals``
    totals: Tensor  # of each term, how far that mean has been filled: towards 1

    def __init__(self, weights: Mapping[str, float], decay: float = 0.99) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}, expected at least 0 and below 1")
        self.weights = dict(weights)
        self.decay = decay
        self.register_buffer("squares", torch.zeros(len(self.weights)))
        self.register_buffer("totals", torch.zeros(len(self.weights)))
        self.gathered: Tensor | None = None

    def combine(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """The gradient to descend, from those of the terms that there are. Shape: each (B, C, T) -> (B, C, T)."""
        names = list(self.weights)
        sizes = (self.squares / self.totals.clamp(min=1e-12)).sqrt()
        scales = torch.where(sizes > 0, sizes[0] / sizes.clamp(min=1e-30), torch.zeros_like(sizes))
        scales[0] = 1.0
        parts = [gradient * (self.weights[name] * scales[names.index(name)]) for name, gradient in gradients.items()]
        return torch.stack(parts).sum(0)

    def measure(self, gradients: Mapping[str, Tensor], item_weights: Tensor) -> None:
        """Note the gradients of a part of the batch, each item's the gradient of its own loss.

        Shape: each (B, C, T), item_weights (B,), 0 for items that are not to be counted.
        """
        sums = self._nothing()
        for index, name in enumerate(self.weights):
            if name in gradients:
                sums[0, index] = (gradients[name].float().square().sum(dim=(1, 2)) * item_weights).sum()
                sums[1, index] = item_weights.sum()
        self.gathered = sums if self.gathered is None else self.gathered + sums

    def take(self) -> Tensor:
        """What was measured since the last call, to be added up over processes. Shape: (2, number of terms)."""
        gathered, self.gathered = self.gathered, None
        return self._nothing() if gathered is None else gathered

    def _nothing(self) -> Tensor:
        return torch.zeros(2, len(self.weights), device=self.squares.device)

    def update(self, sums: Tensor) -> None:
        """Learn from a whole batch; terms that it did not have, or that were not finite, stay as they were."""
        seen = (sums[1] > 0) & sums.isfinite().all(0)
        squares = sums[0] / sums[1].clamp(min=1)
        for running, value in ((self.squares, squares), (self.totals, torch.ones_like(squares))):
            running.copy_(torch.where(seen, self.decay * running + (1 - self.decay) * value, running))
