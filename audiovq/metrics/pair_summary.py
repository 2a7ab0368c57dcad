"""From the scores of many pairs to means with intervals, and to a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.registry import COLUMNS
from audiovq.metrics.score_file import Scores
from audiovq.metrics.summary import Summary, table


def summarise_pairs(pairs: Sequence[Scores], metrics: Sequence[str]) -> Summary:
    """Means with 95 % bootstrap intervals over pairs, and what else there is to know of them.

    Error rates are those of all texts together, each weighted by its length.
    """
    reasons = Counter(
        (name, why) for scores in pairs for name, why in scores["not_measurable"].items() if name in metrics
    )
    return {
        "num_pairs": len(pairs),
        "seconds": sum(scores["seconds"] for scores in pairs),
        "metrics": {name: mean for name in metrics if (mean := _mean(pairs, name, "of_result"))},
        "reference_error_rates": {
            name: mean for name in ("cer", "wer") if name in metrics and (mean := _mean(pairs, name, "of_reference"))
        },
        "not_measurable": [
            {"metric": name, "reason": reason, "count": count} for (name, reason), count in sorted(reasons.items())
        ],
        "notes": dict(sorted(Counter(note for scores in pairs for note in scores["notes"]).items())),
        "delay_seconds": _spread([scores["delay_samples"] / scores["sample_rate"] for scores in pairs]),
    }


def _mean(pairs: Sequence[Scores], name: str, whose: str) -> dict[str, Any] | None:
    measured = [scores for scores in pairs if name in scores["scores"]]
    if not measured:
        return None
    weights = None
    values = [scores["scores"][name] for scores in measured]
    if name in measured[0].get("errors", {}):
        errors = [scores["errors"][name] for scores in measured]
        weights = [each["num_reference"] for each in errors]
        values = [each[whose] / each["num_reference"] for each in errors]
    interval = bootstrap_mean(values, weights)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": interval.count}


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {"min": ordered[0], "median": ordered[len(ordered) // 2], "max": ordered[-1]}


def markdown(summary: Summary) -> str:
    """What was compared, a row for each score, and what is to be known about them."""
    subject = summary["subject"]
    rows = [
        [COLUMNS[name].heading, f"{each['mean']:.3f}", f"{each['low']:.3f} to {each['high']:.3f}", str(each["n"])]
        for name, each in summary["metrics"].items()
    ]
    notes = [
        f"- {COLUMNS[name].title} of the references themselves: {each['mean']:.3f}"
        for name, each in summary["reference_error_rates"].items()
    ]
    notes += [f"- {note}: {count} of {summary['num_pairs']} pair(s)" for note, count in summary["notes"].items()]
    if subject["align"]:
        notes.append(
            "- delays undone: {min:.4f} to {max:.4f} s, median {median:.4f} s".format(**summary["delay_seconds"])
        )
    notes += [
        f"- {COLUMNS[each['metric']].title} has no value for {each['count']} pair(s): {each['reason']}"
        for each in summary["not_measurable"]
    ]
    notes += [f"- {COLUMNS[name].title} is left out: {why}" for name, why in summary["left_out"].items()]
    notes += [f"- {each['utterance']} failed: {each['reason']}" for each in summary["failures"]]
    parts = [
        f"Results {subject['results']} against references {subject['references']}: {summary['num_pairs']} pairs, "
        f"{summary['seconds'] / 60:.1f} minutes. Means with 95 % bootstrap intervals over pairs.",
        table(["score", "mean", "interval", "pairs"], rows),
        "\n".join(notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
