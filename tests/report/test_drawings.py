"""Plots and histograms: points where they belong, ticks that enclose them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiovq.metrics.interval import Interval
from audiovq.report import Codebook, Metric
from audiovq.report.plots import Point, Series, linear_ticks, rate_plot, rate_ticks
from audiovq.report.usage import usage_histogram
from tests.report.runs import HOSTILE


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_enclose_any_range_with_few_round_steps(low: float, width: float) -> None:
    ticks = linear_ticks(low, low + width)
    slack = 1e-6 * max(1.0, abs(low), width)
    assert ticks[0] <= low + slack and ticks[-1] >= low + width - slack
    assert 2 <= len(ticks) <= 7


def test_ticks_of_known_ranges() -> None:
    assert linear_ticks(0.61, 0.93) == pytest.approx([0.6, 0.7, 0.8, 0.9, 1.0])
    assert linear_ticks(-4.0, 9.0) == pytest.approx([-5, 0, 5, 10])
    assert rate_ticks(112.5, 1050) == [200, 500, 1000]
    assert rate_ticks(2000, 3000) == [2000, 3000]
    assert rate_ticks(1, 1e6) == [1, 10, 100, 1000, 1e4, 1e5, 1e6]


def plot() -> ET.Element:
    points = [
        Point("slow", 100, Interval(0.6, 0.6, 0.6, 3)),
        Point(HOSTILE, 1000, Interval(0.8, 0.7, 0.9, 3)),
        Point("fast", 10_000, Interval(0.9, 0.85, 0.95, 3)),
    ]
    return ET.fromstring(rate_plot(Metric(title="STOI"), [Series("family", 9, points)]))


def test_rates_are_logarithmic_and_better_scores_higher() -> None:
    marks = [mark.attrib["transform"] for mark in plot().iter("path") if "mark" in mark.attrib["class"]]
    places = [tuple(map(float, mark[len("translate(") : -1].split())) for mark in marks]
    (x1, y1), (x2, y2), (x3, y3) = places
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2) and x2 > x1
    assert (y1 - y2) / (y2 - y3) == pytest.approx(2, abs=0.02)
    whiskers = [path.attrib["d"] for path in plot().iter("path") if "whisker" in path.attrib["class"]]
    assert len(whiskers) == 2  # where the interval has a width
    low, high = (float(part.split("H")[0].split()[-1]) for part in (whiskers[0], whiskers[0].split("M")[-1]))
    assert (low + high) / 2 == pytest.approx(y2, abs=0.1) and low - high == pytest.approx(y1 - y2, abs=0.1)
    assert any(HOSTILE in (title.text or "") for title in plot().iter("title"))


def test_a_single_point_is_plotted() -> None:
    series = [Series("one", 0, [Point("one", 500, Interval(0.0, 0.0, 0.0, 1))])]
    assert "NaN" not in rate_plot(Metric(title="x"), series) and "nan" not in rate_plot(Metric(title="x"), series)


def test_a_histogram_ranks_the_entries_and_says_what_they_amount_to() -> None:
    drawn = ET.fromstring(f"<div>{usage_histogram(Codebook(level=0, frame_rate=12.5, counts=[0, 2, 4, 2]))}</div>")
    facts, rate = (paragraph.text for paragraph in drawn.iter("p"))
    assert facts == "75.0% of 4 entries used; entropy 1.50 of 2.00 bits; perplexity 3"
    assert rate == "12.5 codes per second, 8 counted"
    (bars,) = (path.attrib["d"] for path in drawn.iter("path") if path.attrib["class"] == "bars")
    tops = [float(bar.split("V")[1].split("h")[0].split()[0]) for bar in bars.split("M")[1:]]
    floor = 94.0
    # Twice the even share, then twice the even one; heights grow with the square root, and none of nothing.
    assert [(floor - top) / floor for top in tops] == pytest.approx([(2 / 16) ** 0.5, 0.25, 0.25], abs=0.01)
    assert "no codes were counted" in usage_histogram(Codebook(level=0, frame_rate=1, counts=[0, 0]))
