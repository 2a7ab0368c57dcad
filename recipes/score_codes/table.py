"""The scores as a table: a row for each, generated and real side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audiovq.metrics.summary import cell, table

Summary = Mapping[str, Any]

_TITLES = {
    "generated": "generated",
    "real": "real, held out",
    "training": "the other half of training",
    "noise": "random codes",
}


def markdown(summary: Summary) -> str:
    """What was compared with what, the command, the table, and what its rows mean."""
    titles = {name: title for name, title in _TITLES.items() if name in summary}
    groups, headings = [summary[name] for name in titles], list(titles.values())

    def row(title: str, value: Callable[[Summary], str]) -> list[str]:
        return [title, *map(value, groups)]

    rows = [
        row("items", lambda group: str(group["num_items"])),
        row("length, s", lambda group: cell(group.get("mean_seconds"), group["num_items"])),
        row("length ratio", lambda group: cell(group.get("length_ratio"), group["num_items"])),
        row("silence ratio", lambda group: cell(group.get("silence_ratio"), group["num_items"])),
    ]
    for level in range(len(groups[0]["levels"])):
        rows += _level_rows(level, summary, groups)
    subject = summary["subject"]
    about = (
        f"{subject['generated']} ({subject['model']}) against the training codes of {subject['training']}: "
        f"{summary['num_training']} items, {summary['training_seconds'] / 3600:.2f} hours."
    )
    counts = ", ".join(map(str, summary["num_windows"]))
    notes = _NOTES.format(n=subject["n"], window=subject["window_seconds"], counts=counts)
    if subject["prior"] is not None:
        notes += _PRIOR.format(prior=subject["prior"])
    return "\n\n".join([about, f"    {summary['command']}", table(["score", *headings], rows), notes])


def _level_rows(level: int, summary: Summary, groups: Sequence[Summary]) -> list[list[str]]:
    n = summary["subject"]["n"]
    titles: dict[str, str] = {
        "frechet_distance": "Fréchet distance to training ↓",
        "entropy_bits": "entropy, bits a code",
        "bits_per_second": "bits per second of audio under the prior",
        "repetition": f"{n}-gram repetition",
        "longest_hold_seconds": "longest hold, s",
        "common_run_seconds": "longest run also in training, s",
        "longest_common_run_seconds": "the longest of all, s",
        "nearest_window": "share of codes that differ from the nearest window of training",
        "nearest_window_of_all": "the nearest of all",
    }
    rows = []
    for name, title in titles.items():
        values = [group["levels"][level].get(name) for group in groups]
        if any(value is not None for value in values):
            rows.append(
                [f"level {level}: {title}", *(_text(value, group) for value, group in zip(values, groups, strict=True))]
            )
    return rows


def _text(value: Any, group: Summary) -> str:
    if isinstance(value, dict):
        return cell(value, group["num_items"])
    return "-" if value is None else f"{value:.3f}"


_NOTES = """\
Means with 95 % bootstrap intervals over items. Good is what is like the real column; of the Fréchet distance alone less
is better: the real column and the other half of training say how little can be had, random codes what chance is. Real
codes are those of the same names, or else cut to the generated ones' median length.

- length ratio: to the recording of the same name. silence ratio: of the decoded sound, frames of 20 ms below -50 dBFS.
- Fréchet distance: of mean latents of the codes over windows of {window:g} s to those of one half of the training
  items, of each as many windows ({counts}, level by level). Of few it is too large: compare within this table only.
- {n}-gram repetition: share of {n}-grams of frames that came before in the same item; longest hold: nothing changes.
- A run or a window that stands in training much longer or nearer than those of real codes is memorised. Windows of
  {window:g} s of the coarsest level.
"""
_PRIOR = """\
- bits per second of audio: what the codes cost under {prior}, told no label, as pieces of their own length.
"""
