"""What is measured of a set of codes: of each item, and of all against the training codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import torch

from audiovq.codes import Codes
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.codebook import code_counts, entropy
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.nearest import longest_common_runs, nearest_windows
from audiovq.metrics.repetition import longest_hold_frames, ngram_repetition
from audiovq.pretrained import MUSIC_PRIOR, check_prior, find, load_music_prior
from audiovq.priors.music import MusicPrior
from audiovq.tokenizer import Tokenizer
from audiovq.tokens.silence import silent_ms
from recipes.score_codes.reading import all_frames, frames

Scores = dict[str, Any]  # as JSON has it

_OF_LEVELS = ("bits_per_second", "repetition", "longest_hold_seconds", "common_run_seconds", "nearest_window")


@dataclass(frozen=True)
class Ruler:
    """What codes are measured with. tokenizer: makes sound, to measure silence. prior: says how likely they are."""

    training: Sequence[Codes]
    window_seconds: float
    n: int
    tokenizer: Tokenizer | None = None
    prior: MusicPrior | None = None


def open_prior(name: str, model_id: str) -> MusicPrior:
    """Raises: ModelError for another kind of model, or one that makes codes of another tokenizer."""
    prior, card = load_music_prior(find(name, MUSIC_PRIOR))
    check_prior(card.name, prior.config, model_id)
    return prior.eval()


def score_items(
    codes: Mapping[str, Codes],
    real: Mapping[str, Codes],
    ruler: Ruler,
    on_progress: Callable[[], None] = lambda: None,
) -> list[Scores]:
    """One object for each item; what cannot be measured of it is left out.

    ``real`` has the recordings of the same names, if there are any.
    """
    items: list[Scores] = []
    for name, each in codes.items():
        scores: Scores = {"name": name, "seconds": each.duration_seconds, "levels": []}
        if name in real:
            scores["length_ratio"] = each.duration_seconds / real[name].duration_seconds
        if ruler.tokenizer is not None:
            milliseconds = silent_ms(ruler.tokenizer.decode(each), each.sample_rate)
            scores["silence_ratio"] = min(1.0, milliseconds / 1000 / each.duration_seconds)
        scores["levels"] = [_repetition(each, level, ruler.n) for level in range(each.num_levels)]
        if ruler.prior is not None:
            for level, nats in enumerate(ruler.prior.nats(each.channel(0).levels)):
                scores["levels"][level]["bits_per_second"] = nats / math.log(2) / each.duration_seconds
        items.append(scores)
        on_progress()
    group = list(codes.values())
    for level, rate in enumerate(group[0].frame_rates):
        trained = all_frames(ruler.training, level)
        for scores, run in zip(items, longest_common_runs(all_frames(group, level), trained), strict=True):
            scores["levels"][level]["common_run_seconds"] = run.length_frames / float(rate)
    window = max(1, round(ruler.window_seconds * group[0].frame_rates[0]))
    with suppress(NotMeasurableError):  # nothing in training is as long as a window
        # Of the coarsest level alone: finer codes differ whenever a sound is played once more.
        near = nearest_windows(all_frames(group, 0), all_frames(ruler.training, 0), window)
        for scores, found in zip(items, near, strict=True):
            if found is not None:
                scores["levels"][0]["nearest_window"] = found.distance
    return items


def _repetition(codes: Codes, level: int, n: int) -> Scores:
    of_level = frames(codes, level)
    scores: Scores = {"longest_hold_seconds": longest_hold_frames(of_level) / float(codes.frame_rates[level])}
    with suppress(NotMeasurableError):  # fewer frames than an n-gram has
        scores["repetition"] = ngram_repetition(of_level, n)
    return scores


def summarise(items: Sequence[Scores], group: Sequence[Codes], distances: Sequence[float | None]) -> Scores:
    """Means with 95 % bootstrap intervals over items; of the distances to training codes also the extreme."""
    summary: Scores = {
        "num_items": len(items),
        "mean_seconds": _mean([scores["seconds"] for scores in items]),
        "length_ratio": _mean([scores["length_ratio"] for scores in items if "length_ratio" in scores]),
        "silence_ratio": _mean([scores["silence_ratio"] for scores in items if "silence_ratio" in scores]),
        "levels": [],
    }
    for level, distance in enumerate(distances):
        of_level = [scores["levels"][level] for scores in items]
        values = {name: [each[name] for each in of_level if name in each] for name in _OF_LEVELS}
        size = group[0].codebook_sizes[level]
        counts = torch.stack([code_counts(codes.levels[level], size) for codes in group]).sum(0)
        summary["levels"].append(
            {
                **{name: _mean(numbers) for name, numbers in values.items()},
                "longest_common_run_seconds": max(values["common_run_seconds"]),
                "nearest_window_of_all": min(values["nearest_window"], default=None),
                "entropy_bits": float(entropy(counts).mean()),
                "frechet_distance": distance,
            }
        )
    return summary


def _mean(values: Sequence[float]) -> dict[str, float] | None:
    return asdict(bootstrap_mean(values)) if values else None
