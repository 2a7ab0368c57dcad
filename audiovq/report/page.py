"""The page: one file that needs nothing else, and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from string import Template

from audiovq.report.data import Metric
from audiovq.report.html import element, lines, megabytes, text
from audiovq.report.joining import HeardClip, Run, distinct, join_clips
from audiovq.report.listening import asset, blind_test, clip_card
from audiovq.report.plots import Point, Series, marker, rate_plot
from audiovq.report.tables import score_table
from audiovq.report.usage import usage_histogram

Progress = Callable[[Sequence[HeardClip]], Iterable[HeardClip]]
KEYS = {
    "Space": "play or pause",
    "o": "original",
    "1 to 9": "the other sounds",
    "← →": "a second back or on",
    "Home": "to the start",
    "l": "loop",
    "n p": "next or previous clip",
}


def report_page(runs: Sequence[Run], title: str = "", progress: Progress = iter) -> str:
    """Everything about the runs; `progress` sees the clips go by.

    Raises: AudioError for a sound that cannot be read.
    """
    runs = distinct(runs)
    clips = join_clips(runs)
    cards = [clip_card(clip, index) for index, clip in enumerate(progress(clips), start=1)]
    sections = {
        "scores": ("Scores", _scores(runs)),
        "rates": ("Quality against bit rate", _plots(runs)),
        "listen": ("Listen", _listen(cards)),
        "blind": ("Blind test", blind_test(clips)),
        "codebooks": ("Use of the codebooks", _codebooks(runs)),
    }
    filled = {key: section for key, section in sections.items() if section[1]}
    body = lines(content for _, content in filled.values())
    links = (element("a", {"href": f"#{key}"}, text(head)) for key, (head, _) in filled.items())
    words = (
        f"This page is {megabytes(len(body))} large, of which nearly all is sound" if cards else "No sounds are kept"
    )
    return Template(asset("page.html")).substitute(
        title=text(title or " and ".join(run.report.title for run in runs)),
        style=asset("page.css").strip(),
        navigation=" ".join(links),
        sections=body,
        footer=f"{words}; it needs no network and no other file. Sounds are 16-bit FLAC, as loud as they were made.",
        script="\n".join(asset(name).strip() for name in ("player.js", "blind.js", "keys.js")),
    )


def _section(key: str, head: str, *content: str) -> str:
    title = element("h2", {"id": f"{key}-title"}, text(head))
    return element("section", {"id": key, "aria-labelledby": f"{key}-title"}, title, lines(content))


def _scores(runs: Sequence[Run]) -> str:
    parts = []
    for run in runs:
        if len(runs) > 1:
            parts.append(element("h3", {}, text(run.report.title)))
        parts += [_paragraph(part) for part in run.report.note.split("\n\n") if part.strip()]
        if run.report.metrics:
            parts.append(score_table(run.report))
    return _section("scores", "Scores", *parts)


def _paragraph(words: str) -> str:
    """A paragraph of a note; an indented one is a command."""
    if words.startswith("    "):
        return element("pre", {"tabindex": "0"}, element("code", {}, text(words.strip())))
    return element("p", {}, text(words.strip()))


def _plots(runs: Sequence[Run]) -> str:
    metrics: dict[str, Metric] = {}
    families: dict[str, int] = {}
    for run in runs:
        metrics |= {name: metric for name, metric in run.report.metrics.items() if name not in metrics}
        for system in run.report.systems:
            if system.bits_per_second:
                families.setdefault(system.family or system.name, len(families))
    plots = []
    for name, metric in metrics.items():
        points: dict[str, list[Point]] = {}
        for run in runs:
            for system in run.report.systems:
                if name in system.scores and system.bits_per_second:
                    point = Point(system.name, system.bits_per_second, system.scores[name])
                    points.setdefault(system.family or system.name, []).append(point)
        series = [
            Series(family, families[family], sorted(each, key=lambda point: point.bits_per_second))
            for family, each in points.items()
        ]
        if series:
            caption = element("figcaption", {}, text(metric.heading))
            plots.append(element("figure", {}, caption, rate_plot(metric, series)))
    if not plots:
        return ""
    legend = [
        element(
            "li", {}, element("svg", {"viewBox": "-7 -7 14 14", "aria-hidden": "true"}, marker(index)), text(family)
        )
        for family, index in families.items()
    ]
    caution = (
        "The runs measured different files or in different ways wherever their notes differ." if len(runs) > 1 else ""
    )
    return _section(
        "rates",
        "Quality against bit rate",
        element("p", {"class": "muted"}, text(f"Whiskers are the intervals of the table. {caution}")),
        element("ul", {"class": "legend"}, *legend),
        element("div", {"class": "plots"}, lines(plots)),
    )


def _listen(cards: Sequence[str]) -> str:
    if not cards:
        return ""
    keys = (element("span", {}, element("kbd", {}, key), f" {text(words)}") for key, words in KEYS.items())
    how = "All sounds of a clip run in step: changing to another keeps the place. Click into a spectrogram to go there."
    return _section(
        "listen", "Listen", element("p", {}, text(how)), element("p", {"class": "keys"}, " ".join(keys)), *cards
    )


def _codebooks(runs: Sequence[Run]) -> str:
    parts = []
    for run in runs:
        for system in run.report.systems:
            if not system.codebooks:
                continue
            figures = []
            for index, codebook in enumerate(system.codebooks):
                before = [each for each in system.codebooks[:index] if each.level == codebook.level]
                caption = f"Level {codebook.level}, codebook {len(before)}"
                figures.append(element("figure", {}, element("figcaption", {}, caption), usage_histogram(codebook)))
            parts.append(element("h3", {}, text(system.family or system.name)))
            parts.append(element("div", {"class": "plots small"}, lines(figures)))
    if not parts:
        return ""
    how = "Entries from the most to the least used; heights are on a square root scale, and the line is an even share."
    return _section("codebooks", "Use of the codebooks", element("p", {"class": "muted"}, text(how)), *parts)
