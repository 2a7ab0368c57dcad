"""How the entries of a codebook share the work, as inline SVG."""

from __future__ import annotations

import math

import numpy as np
import torch

from audiovq.metrics.codebook import entropy, perplexity, usage
from audiovq.report.data import Codebook
from audiovq.report.html import element, text

_WIDTH, _HEIGHT, _AXIS = 240.0, 110.0, 16.0
_NUM_BARS = 64
_TALLEST = 16.0  # times the even share; what is taller is cut off there


def usage_histogram(codebook: Codebook) -> str:
    """Entries from the most to the least used, in bars against an even share, above what that amounts to."""
    counts = torch.tensor(codebook.counts)
    size, total = len(codebook.counts), sum(codebook.counts)
    if total == 0:
        return element("p", {"class": "muted"}, "no codes were counted")
    ranked = np.sort(np.asarray(codebook.counts))[::-1] * (size / total)
    bars = [float(part.mean()) for part in np.array_split(ranked, min(_NUM_BARS, size))]
    width = _WIDTH / len(bars)
    path = "".join(
        f"M{index * width:.2f} {_floor()}V{_place(bar)}h{width * 0.8:.2f}V{_floor()}Z"
        for index, bar in enumerate(bars)
        if bar > 0
    )
    even = _place(1.0)
    facts = (
        f"{usage(counts):.1%} of {size:,} entries used; entropy {entropy(counts):.2f} of {math.log2(size):.2f} bits; "
        f"perplexity {perplexity(counts):.0f}"
    )
    drawing = element(
        "svg",
        {"class": "usage", "viewBox": f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}", "role": "img", "aria-label": facts},
        element("path", {"class": "bars", "d": path}),
        element("path", {"class": "even", "d": f"M0 {even}H{_WIDTH}"}),
        element("path", {"class": "grid", "d": f"M0 {_floor()}H{_WIDTH}"}),
        element("text", {"class": "tick", "x": _WIDTH, "y": _place(1.0) - 4, "text-anchor": "end"}, "even share"),
        element("text", {"class": "tick", "x": 0, "y": _HEIGHT - 3}, "most used"),
        element("text", {"class": "tick", "x": _WIDTH, "y": _HEIGHT - 3, "text-anchor": "end"}, "least used"),
    )
    rate = f"{codebook.frame_rate:g} codes per second, {total:,} counted"
    return drawing + element("p", {}, text(facts)) + element("p", {"class": "muted"}, text(rate))


def _floor() -> float:
    return _HEIGHT - _AXIS


def _place(share: float) -> float:
    """Where a bar of so many times the even share ends; on a square root scale, which shows the rare ones too."""
    height = math.sqrt(min(share, _TALLEST) / _TALLEST)
    return round(_floor() * (1 - height), 1)
