"""The scores as a table: a row for each, generated and real side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audiovq.metrics.summary import cell, table

Summary = Mapping[str, Any]


def markdown(summary: Summary) -> str:
    """What was compared with what, the command, the table, and what its rows mean."""
    groups = [summary["generated"], *([summary["real"]] if summary["real"] is not None else [])]
    headings = ["generated", "real, held out"][: len(groups)]

    def row(title: str, value: Callable[[Summary], str]) -> list[str]:
        return [title, *map(value, groups)]

    rows = [
        row("items", lambda group: str(group["num_items"])),
        row("length, s", lambda group: cell(group["mean_seconds"], group["num_items"])),
        row("length ratio", lambda group: cell(group["length_ratio"], group["num_items"])),
        row("silence ratio", lambda group: cell(group["silence_ratio"], group["num_items"])),
    ]
    for level in range(len(groups[0]["levels"])):
        rows += _level_rows(level, summary, groups)
    subject = summary["subject"]
    about = (
        f"{subject['generated']} ({subject['model']}) against the training codes of {subject['training']}: "
        f"{summary['num_training']} items, {summary['training_seconds'] / 3600:.2f} hours."
    )
    notes = _NOTES.format(n=subject["n"], window=subject["window_seconds"])
    return "\n\n".join([about, f"    {summary['command']}", table(["score", *headings], rows), notes])


def _level_rows(level: int, summary: Summary, groups: Sequence[Summary]) -> list[list[str]]:
    n = summary["subject"]["n"]
    titles: dict[str, str] = {
        "frechet_distance": "Fréchet distance to training ↓",
        "entropy_bits": "entropy, bits a code",
        "repetition": f"{n}-gram repetition",
        "longest_hold_seconds": "longest hold, s",
        "common_run_seconds": "longest run also in training, s",
        "longest_common_run_seconds": "the longest of all, s",
        "nearest_window": "share of codes that differ from the nearest window of training",
        "nearest_window_of_all": "the nearest of all",
    }
    rows = []
    for name, title in titles.items():
        values = [group["levels"][level][name] for group in groups]
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
is better, and the real column says how little can be had. Real codes are cut to the generated ones' median length.

- length ratio: to the recording of the same name. silence ratio: of the decoded sound, frames of 20 ms below -50 dBFS.
- Fréchet distance: of mean latents of the codes over windows of {window:g} s, as many windows of each.
- {n}-gram repetition: share of {n}-grams of frames that came before in the same item; longest hold: nothing changes.
- A run or a window that stands in training much longer or nearer than those of real codes is memorised. Windows of
  {window:g} s of the coarsest level.
"""
