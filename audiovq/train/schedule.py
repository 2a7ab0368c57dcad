"""Learning-rate schedules as pure functions of the step."""

from __future__ import annotations

import math


def warmup_cosine(step: int, *, peak: float, final: float, warmup_steps: int, total_steps: int) -> float:
    """Linear rise to ``peak`` over ``warmup_steps``, then half a cosine down to ``final`` at ``total_steps``.

    Source: Loshchilov & Hutter 2017, SGDR, equation 5 (without restarts).
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))
