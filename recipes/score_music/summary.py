"""From the scores of all items to one table: generated music, real music, and the sound of random codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.frechet import frechet_distance
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.music.piece import UNITS
from audiovq.metrics.music.seam import BAR_DB
from audiovq.metrics.score_file import Scores
from audiovq.metrics.summary import Summary, cell, table
from recipes.score_music.items import embeddings
from recipes.score_music.labels import followed

_ROWS = {
    "seconds": "length, s",
    "tempo_bpm": "tempo, beats per minute",
    "tempo_stability": "tempo stability",
    "pulse_clarity": "pulse clarity",
    "key_correlation": "key correlation",
    "key_stability": "key stability",
    "key_as_labelled": "share in the key of their label",
    "tempo_as_labelled": "share in the tempo of their label",
    "loudness_lufs": "loudness, LUFS",
    "silence_share": "silence share",
    "level_db": "seam: level jumps, dB",
    "usual_level_db": "usual elsewhere in it, dB",
    "spectrum_db": "seam: third octaves jump, dB",
    "usual_spectrum_db": "usual elsewhere in it, dB",
    "excess_db": "seam: worst above usual, dB",
    "seam_within_bar": f"share of seams at most {BAR_DB:g} dB above usual",
}
TITLES = {"generated": "generated", "real": "real, held out", "noise": "random codes"}


def summarise(
    groups: Mapping[str, Sequence[Scores]], labels: Mapping[str, Mapping[str, Sequence[str]]], seed: int
) -> Summary:
    """Means with 95 % bootstrap intervals over the items of each group, and Fréchet distances to real music.

    labels: of the groups that have some, those of each piece.
    """
    summary: Summary = {"groups": {name: _means(items, labels.get(name, {})) for name, items in groups.items()}}
    return summary | {"frechet": frechet_distances(groups, seed)}


def _means(items: Sequence[Scores], labels: Mapping[str, Sequence[str]]) -> Summary:
    values = {name: [scores[name] for scores in items if name in scores] for name in ("seconds", *UNITS)}
    seams = [scores["seam"] for scores in items if "seam" in scores]
    if seams:
        values |= {name: [seam[name] for seam in seams] for name in seams[0]}
        values["seam_within_bar"] = [float(seam["excess_db"] <= BAR_DB) for seam in seams]
    told = [followed(scores, labels.get(scores["piece"], ())) for scores in items]
    for name in dict.fromkeys(name for each in told for name in each):
        values[name] = [each[name] for each in told if name in each]
    reasons = Counter((name, reason) for scores in items for name, reason in scores["not_measurable"].items())
    return {
        "num_items": len(items),
        "means": {name: asdict(bootstrap_mean(numbers)) for name, numbers in values.items() if numbers},
        "keys": dict(Counter(scores["key"] for scores in items if "key" in scores).most_common()),
        "not_measurable": [
            {"name": name, "reason": reason, "count": count} for (name, reason), count in reasons.most_common()
        ],
    }


def frechet_distances(groups: Mapping[str, Sequence[Scores]], seed: int) -> Summary | None:
    """Distances of equal numbers of windows to either half of the real pieces, and of the halves to each other.

    The halves share no piece. None when there is too little to compare.
    """
    pieces = sorted({scores["piece"] for scores in groups["real"]})
    first = set(np.random.default_rng(seed).permutation(pieces)[: len(pieces) // 2].tolist())
    halves = [
        _embedded([scores for scores in groups["real"] if (scores["piece"] in first) == side]) for side in (True, False)
    ]
    others = {name: _embedded(items) for name, items in groups.items() if name != "real"}
    count = min(len(each) for each in (*halves, *others.values()))
    with suppress(NotMeasurableError):
        halves = [_some(each, count, seed) for each in halves]
        distances = {"real": frechet_distance(*halves)}
        for name, embedded in others.items():
            some = _some(embedded, count, seed)
            distances[name] = float(np.mean([frechet_distance(half, some) for half in halves]))
        return {"num_windows": count, "distances": distances}
    return None


def _embedded(items: Sequence[Scores]) -> Tensor:
    return torch.cat([torch.empty(0, embeddings({}).shape[1]), *(embeddings(scores) for scores in items)])


def _some(embedded: Tensor, count: int, seed: int) -> Tensor:
    return embedded[np.sort(np.random.default_rng(seed).permutation(len(embedded))[:count])]


def markdown(summary: Summary) -> str:
    """What was compared, the command, the table, and what its rows mean."""
    groups, frechet = summary["groups"], summary["frechet"]
    rows = [["items", *(str(group["num_items"]) for group in groups.values())]]
    for name, title in _ROWS.items():
        means = [group["means"].get(name) for group in groups.values()]
        if any(means):
            cells = [cell(mean, group["num_items"]) for mean, group in zip(means, groups.values(), strict=True)]
            rows.append([title, *cells])
    if frechet is not None:
        rows.append(["Fréchet distance to real ↓", *(f"{frechet['distances'][name]:.2f}" for name in groups)])
    parts = [summary["about"], f"    {summary['command']}", table(["score", *map(TITLES.__getitem__, groups)], rows)]
    left_out = [
        f"- {TITLES[group]}: {each['name']} has no value for {each['count']} item(s): {each['reason']}"
        for group, found in groups.items()
        for each in found["not_measurable"]
    ]
    windows = _FRECHET.format(**frechet, network=summary["subject"]["embedding"]) if frechet is not None else ""
    return "\n\n".join(part for part in [*parts, "\n".join(left_out), _NOTES + windows] if part)


_NOTES = """\
Means with 95 % bootstrap intervals over items. Good is what is like the real column; random codes show chance.

- tempo and key stability: share of windows of 10 s in the tempo (or its double or half) and the key of the whole item.
- pulse clarity: how alike the beginnings of sounds are a beat later. key correlation: with the profile of the key.
- of the labels: the key as heard in the whole item; the tempo within 4 %, or its double or half.
- silence share: blocks of 100 ms below -60 dB of full scale.
- seam: half a second before and after it; usual is the median of the same at other moments of the item.
"""
_FRECHET = """\
- Fréchet distance: of {network}, {num_windows} windows of 3 s of each, to either half of the real pieces, the mean; in
  the real column of one half to the other. Of few windows it is too large: compare within this table only.
"""
