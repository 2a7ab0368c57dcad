"""Scores against bit rates, as inline SVG whose colours the page's style sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audiovq.metrics.interval import Interval
from audiovq.report.data import Metric
from audiovq.report.html import element, number, text

NUM_COLOURS = 8  # as many as page.css names
_WIDTH, _HEIGHT = 360.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 12.0, 40.0
# Drawn around (0, 0); a second look tells families apart where colours do not.
_MARKERS = (
    "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z",
    "M-4-4H4V4H-4Z",
    "M0-5L5 4H-5Z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "M-5-4H5L0 5Z",
)


@dataclass(frozen=True)
class Point:
    """One system in one plot."""

    name: str
    bits_per_second: float
    score: Interval


@dataclass(frozen=True)
class Series:
    """The systems of a family, slow to fast; the number gives colour and marker."""

    family: str
    number: int
    points: Sequence[Point]


def marker(index: int, x: float = 0.0, y: float = 0.0) -> str:
    """The sign of a family at a place."""
    place = f"translate({x:.1f} {y:.1f})"
    shape = _MARKERS[index % len(_MARKERS)]
    return element("path", {"class": f"mark c{index % NUM_COLOURS}", "d": shape, "transform": place})


def rate_plot(metric: Metric, series: Sequence[Series]) -> str:
    """Means with their intervals against bits per second on a logarithmic axis."""
    points = [point for each in series for point in each.points]
    low_rate, high_rate = (end(point.bits_per_second for point in points) for end in (min, max))
    low_rate, high_rate = low_rate / 1.15, high_rate * 1.15
    ticks = linear_ticks(min(point.score.low for point in points), max(point.score.high for point in points))
    step = ticks[1] - ticks[0]

    def x(rate: float) -> float:
        share = math.log(rate / low_rate) / math.log(high_rate / low_rate)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    parts = [_horizontal(y(tick), f"{tick:,.{decimals}f}") for tick in ticks]
    parts += [_vertical(x(tick), _rate_label(tick)) for tick in rate_ticks(low_rate, high_rate)]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(element("text", {"class": "axis", "x": middle, "y": _HEIGHT - 6}, "bits per second"))
    for each in series:
        parts.append(_drawn(each, [(x(point.bits_per_second), point) for point in each.points], y))
    label = f"{metric.title} against bits per second: " + "; ".join(
        f"{point.name} {number(point.score.mean)} at {point.bits_per_second:.0f}" for point in points
    )
    size = {"viewBox": f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}", "role": "img", "aria-label": label}
    return element("svg", {"class": "plot", **size}, *parts)


def _drawn(series: Series, places: Sequence[tuple[float, Point]], y: Callable[[float], float]) -> str:
    """A family's line, and over it each system's interval and mean."""
    colour = f"c{series.number % NUM_COLOURS}"
    path = " ".join(
        f"{'L' if index else 'M'}{x:.1f} {y(point.score.mean):.1f}" for index, (x, point) in enumerate(places)
    )
    parts = [element("path", {"class": f"line {colour}", "d": path})]
    for x, point in places:
        low, high = y(point.score.low), y(point.score.high)
        whisker = f"M{x - 3:.1f} {low:.1f}H{x + 3:.1f}M{x:.1f} {low:.1f}V{high:.1f}M{x - 3:.1f} {high:.1f}H{x + 3:.1f}"
        title = f"{point.name}, {point.bits_per_second:.0f} bits per second: {interval_text(point.score)}"
        parts.append(
            element(
                "g",
                {},
                element("title", {}, text(title)),
                element("path", {"class": f"whisker {colour}", "d": whisker}) if low > high else "",
                marker(series.number, x, y(point.score.mean)),
            )
        )
    return "".join(parts)


def interval_text(score: Interval) -> str:
    """Mean and interval in words."""
    if score.low == score.high:
        return number(score.mean)
    return f"{number(score.mean)} [{number(score.low)}, {number(score.high)}]"


def _horizontal(y: float, label: str) -> str:
    return element("path", {"class": "grid", "d": f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"}) + element(
        "text", {"class": "tick y", "x": _LEFT - 6, "y": y + 3.5}, text(label)
    )


def _vertical(x: float, label: str) -> str:
    return element("path", {"class": "grid", "d": f"M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"}) + element(
        "text", {"class": "tick x", "x": x, "y": _HEIGHT - _BOTTOM + 15}, text(label)
    )


def linear_ticks(low: float, high: float) -> list[float]:
    """About five round numbers, the first and the last of which enclose the range."""
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - max(abs(low) * 0.05, 0.01), high + max(abs(high) * 0.05, 0.01)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def rate_ticks(low: float, high: float) -> list[float]:
    """Powers of ten and, while there are few, their double and fivefold between two rates."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1,)):
        ticks = [factor * 10.0**power for power in powers for factor in factors if low <= factor * 10.0**power <= high]
        if len(ticks) <= 6:
            return ticks
    return ticks


def _rate_label(rate: float) -> str:
    return f"{rate / 1000:g}k" if rate >= 1000 else f"{rate:g}"
