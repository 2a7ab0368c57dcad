"""Muon: steps of weight matrices that change all directions alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

# Of each step of Newton and Schulz's iteration: odd powers that bring singular values from near 0 to about 1 in few.
_LINEAR, _CUBIC, _QUINTIC = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_MOMENTUM = 0.95
_LIKE_ADAM = 0.2  # the usual root mean square of AdamW's steps, so that learning rates mean the same


def hidden_matrices(module: nn.Module) -> Iterator[nn.Parameter]:
    """The weights between hidden layers: those of linear maps and convolutions, but no tables, heads or single rows."""
    for name, part in module.named_modules():
        if isinstance(part, nn.Embedding) or "heads" in name.split("."):
            continue
        for parameter in part.parameters(recurse=False):
            if parameter.dim() > 1 and min(parameter.shape[:2]) > 1:
                yield parameter


def by_step(module: nn.Module) -> list[dict[str, Any]]:
    """The weights of a module in two groups: those that take AdamW's steps, and those that take Muon's."""
    matrices = list(dict.fromkeys(hidden_matrices(module)))
    known = set(map(id, matrices))
    others = [parameter for parameter in module.parameters() if id(parameter) not in known]
    return [{"params": others, "is_muon": False}, {"params": matrices, "is_muon": True}]


class Muon(torch.optim.AdamW):
    """Muon for the weights between hidden layers, AdamW for all others: the parameters are those of ``by_step``.

    torch's own computes in bfloat16, which many CPUs only imitate.

    Source: Jordan et al. 2024, Muon; Liu et al. 2025, Muon is scalable for LLM training, section 2.2 (how large steps
    are).
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            if not group["is_muon"]:
                continue
            of_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    of_shape.setdefault(parameter.shape, []).append(parameter)
            for alike in of_shape.values():
                steps = orthogonal(torch.stack([self._pushed(parameter).flatten(1) for parameter in alike]))
                size = group["lr"] * _LIKE_ADAM * max(steps.shape[1:]) ** 0.5
                for parameter, own in zip(alike, steps, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(own.view_as(parameter), alpha=size)
                    parameter.grad = None  # AdamW passes over it
        super().step(closure)

    def _pushed(self, parameter: nn.Parameter) -> Tensor:
        """The gradient with Nesterov's momentum."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:  # "step" is what AdamW looks for when it loads a state
            state.update(step=torch.tensor(0.0), momentum=torch.zeros_like(parameter))
        momentum: Tensor = state["momentum"]
        momentum.lerp_(parameter.grad, 1 - _MOMENTUM)
        return parameter.grad.lerp(momentum, _MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the matrices with all singular values 1 (of about 0.7 to 1.2). Shape: (B, M, N) -> (B, M, N).

    A matrix of zeros stays one.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT).mT
    x = matrices.float()
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_CUBIC, alpha=_QUINTIC), x, beta=_LINEAR)
    return x.to(matrices.dtype)
