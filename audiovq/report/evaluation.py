"""From the summary of an evaluation to a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from torch import Tensor

from audiovq.metrics.interval import Interval
from audiovq.metrics.registry import COLUMNS, Column
from audiovq.metrics.summary import Summary
from audiovq.report.data import ORIGINAL, Clip, Codebook, Metric, Report, System

CER = "cer"


def prefix_name(model: str, levels: int) -> str:
    """What a model with so many of its levels is called."""
    return f"{model}, {levels} level{'s' if levels > 1 else ''}"


def metric_of(column: Column) -> Metric:
    """The same, as a report keeps it."""
    values = asdict(column)
    return Metric(**{name: values[name] for name in ("title", "unit", "higher_is_better")})


def evaluation_report(model: str, note: str, summary: Summary, counts: Sequence[Tensor], clips: list[Clip]) -> Report:
    """A system for every prefix of a model's levels, and one for the originals where there are error rates.

    Shape: counts (K_l, V_l), one for each level
    """
    error_rates = _error_rates(summary)
    prefixes = summary["prefixes"]
    names = list(dict.fromkeys(name for prefix in prefixes for name in prefix["scores"]))
    metrics = {name: metric_of(COLUMNS[name]) for name in names}
    if error_rates:
        metrics[CER] = Metric(title="CER", higher_is_better=False)
    codebooks = _codebooks(summary, counts)
    systems = [System(name=ORIGINAL, scores={CER: error_rates[0]})] if error_rates else []
    for prefix in prefixes:
        levels = prefix["levels"]
        scores = {name: Interval(**values) for name, values in prefix["scores"].items()}
        systems.append(
            System(
                name=prefix_name(model, levels),
                family=model,
                bits_per_second=prefix["bits_per_second"],
                scores=scores | ({CER: error_rates[levels]} if error_rates else {}),
                codebooks=codebooks if levels == len(prefixes) else [],
            )
        )
    return Report(title=model, note=note, metrics=metrics, systems=systems, clips=clips)


def _error_rates(summary: Summary) -> list[Interval]:
    """Over all languages: of the originals, then of every prefix."""
    rates = summary["character_error_rates"]
    if not rates:
        return []
    all_languages = rates["all"] if "all" in rates else next(iter(rates.values()))
    return [Interval(**values) for values in all_languages]


def _codebooks(summary: Summary, counts: Sequence[Tensor]) -> list[Codebook]:
    return [
        Codebook(
            level=row["level"],
            frame_rate=row["frame_rate"],
            counts=[int(count) for count in counts[row["level"]][row["codebook"]]],
        )
        for row in summary["codebooks"]
    ]
