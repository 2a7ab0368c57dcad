"""Tables of scores, a row for each system."""

from __future__ import annotations

from audiovq.metrics.interval import Interval
from audiovq.report.data import Report, System
from audiovq.report.html import element, number, text


def score_table(report: Report) -> str:
    """Bit rate and every score with its interval; the number of files where it is not that of the most."""
    has_rates = any(system.bits_per_second for system in report.systems)
    heads = ["system", *(["bits per second"] if has_rates else [])]
    heads += [metric.heading for metric in report.metrics.values()]
    most = max((score.count for system in report.systems for score in system.scores.values()), default=0)
    rows = [_row(system, list(report.metrics), has_rates, most) for system in report.systems]
    head = element("tr", {}, *(element("th", {"scope": "col"}, text(each)) for each in heads))
    table = element("table", {}, element("thead", {}, head), element("tbody", {}, *rows))
    region = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": f"Scores of {report.title}"}
    return element("div", region, table)


def _row(system: System, metrics: list[str], has_rates: bool, most: int) -> str:
    rate = number(system.bits_per_second) if system.bits_per_second else ""
    cells = [element("th", {"scope": "row"}, text(system.name)), *([element("td", {}, rate)] if has_rates else [])]
    cells += [element("td", {}, _score(system.scores.get(metric), most)) for metric in metrics]
    return element("tr", {}, *cells)


def _score(score: Interval | None, most: int) -> str:
    if score is None:
        return element("span", {"class": "muted"}, "-")
    shown = number(score.mean)
    if score.low != score.high:
        shown += element("small", {}, f"{number(score.low)} to {number(score.high)}")
    return shown + (element("small", {}, f"n = {score.count}") if score.count != most else "")
