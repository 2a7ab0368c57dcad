"""What is measured of a set of codes: of each item, and of all against the training codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.codebook import code_counts, entropy
from audiovq.metrics.frechet import frechet_distance, window_means
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.nearest import longest_common_runs, nearest_windows
from audiovq.metrics.repetition import longest_hold_frames, ngram_repetition
from audiovq.tokenizer import Tokenizer
from audiovq.tokens.silence import silent_ms
from recipes.score_codes.reading import all_frames, frames

Scores = dict[str, Any]  # as JSON has it


def score_items(
    codes: Mapping[str, Codes],
    real: Mapping[str, Codes],
    training: Sequence[Codes],
    window_seconds: float,
    n: int,
    tokenizer: Tokenizer | None,
    on_progress: Callable[[], None] = lambda: None,
) -> list[Scores]:
    """One object for each item; what cannot be measured of it is left out.

    ``real`` has the recordings of the same names, if there are any; ``tokenizer`` makes sound, to measure silence.
    """
    items: list[Scores] = []
    for name, each in codes.items():
        scores: Scores = {"name": name, "seconds": each.duration_seconds, "levels": []}
        if name in real:
            scores["length_ratio"] = each.duration_seconds / real[name].duration_seconds
        if tokenizer is not None:
            milliseconds = silent_ms(tokenizer.decode(each), each.sample_rate)
            scores["silence_ratio"] = min(1.0, milliseconds / 1000 / each.duration_seconds)
        scores["levels"] = [_repetition(each, level, n) for level in range(each.num_levels)]
        items.append(scores)
        on_progress()
    group = list(codes.values())
    for level, rate in enumerate(group[0].frame_rates):
        trained = all_frames(training, level)
        for scores, run in zip(items, longest_common_runs(all_frames(group, level), trained), strict=True):
            scores["levels"][level]["common_run_seconds"] = run.length_frames / float(rate)
    window = max(1, round(window_seconds * group[0].frame_rates[0]))
    # Of the coarsest level alone: finer codes differ whenever a sound is played once more.
    near = nearest_windows(all_frames(group, 0), all_frames(training, 0), window)
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
        values = {
            name: [each[name] for each in of_level if name in each]
            for name in ("repetition", "longest_hold_seconds", "common_run_seconds", "nearest_window")
        }
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


def embeddings(group: Sequence[Codes], tokenizer: Tokenizer, window_seconds: float) -> list[Tensor]:
    """Mean latents over windows, level by level, of every channel.

    Shape: (W, D), one for each level
    """
    levels: list[list[Tensor]] = [[] for _ in range(group[0].num_levels)]
    for codes in group:
        for channel in range(codes.num_channels):
            own = [each[None].to(tokenizer.device) for each in codes.channel(channel).levels]
            with torch.inference_mode():
                latents = tokenizer.model.hierarchy.decode(own)
            for level, (latent, rate) in enumerate(zip(latents, codes.frame_rates, strict=True)):
                levels[level].append(window_means(latent[0].cpu(), max(1, round(window_seconds * rate))))
    return [torch.cat(each) for each in levels]


def distances_to(
    reference: Sequence[Tensor], others: Sequence[Sequence[Tensor]], seed: int
) -> list[list[float | None]]:
    """Fréchet distance of each set to the reference, level by level, from as many windows of each as all sets have."""
    found: list[list[float | None]] = []
    for group in others:
        row: list[float | None] = []
        for level, embedded in enumerate(group):
            count = min(len(each[level]) for each in [reference, *others])
            chosen = [_some(each, count, seed) for each in (reference[level], embedded)]
            try:
                row.append(frechet_distance(*chosen))
            except NotMeasurableError:
                row.append(None)
        found.append(row)
    return found


def _some(embedded: Tensor, count: int, seed: int) -> Tensor:
    return embedded[np.sort(np.random.default_rng(seed).permutation(len(embedded))[:count])]
