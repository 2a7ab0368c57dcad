"""The speed of priors as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from audiovq.metrics.summary import table

_CODES = ["prior", "levels", "kind", "parameters", "tokens per second ↑", "steps per s of audio ↓"]
_CODES += ["s of audio per s ↑", "ratio to the first prior ↑", "GPT-2, tokens per second", "ratio to GPT-2 ↑"]
_CHAIN = ["prior", "text to wave, real-time factor ↓", "of it durations", "first sound after, median ↓", "latest ↓"]


def prior_text(results: Mapping[str, Any]) -> str:
    """Both tables and what they are about."""
    about = (
        f"{len(results['sentences'])} sentences, {results['threads']} thread(s), "
        f"{results.get('precision', 'float32')} weights, medians of {results['repeats']} repeats in which all take "
        f"turns ({results['machine']}). A masked network fills in a codebook in "
        f"{results['steps']} steps, the others make a step for each position. GPT-2: transformers' generate() with a "
        "key/value cache, layers, width, heads and vocabulary of the network beside it, and as many tokens. Guidance: "
        f"{results.get('guidance', 'ours alone')}; other than 1 it has each token foreseen twice, as by ours. "
        "The first sound: from the call to the first decoded block."
    )
    return f"{about}\n\n{codes_table(results)}\n\n{chain_table(results)}\n"


def codes_table(results: Mapping[str, Any]) -> str:
    """A row for each network, for the finer levels and for all of each prior."""
    rows = []
    first = _groups(results["priors"][0])
    for prior in results["priors"]:
        for label, group in _groups(prior).items():
            rows.append(_row(prior, label, group, first.get(label)))
    return table(_CODES, rows)


def chain_table(results: Mapping[str, Any]) -> str:
    """A row for each prior: the whole chain, and how soon there is sound."""
    rows = [
        [
            prior["model"],
            f"{median(prior['chain_seconds']) / prior['audio_seconds']:.3f}",
            f"{median(prior['durations_seconds']) / prior['audio_seconds']:.3f}",
            f"{1000 * median(prior['first_sound_seconds']):.0f} ms",
            f"{1000 * median(prior['latest_first_sound_seconds']):.0f} ms",
        ]
        for prior in results["priors"]
    ]
    return table(_CHAIN, rows)


def _groups(prior: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    networks = prior["networks"]
    groups = {_levels(network["levels"]): [network] for network in networks}
    finer = [network for network in networks if min(network["levels"]) > 0]
    if len(finer) > 1:
        groups[f"{_levels([level for network in finer for level in network['levels']])}, together"] = finer
    if len(networks) > 1:
        groups["all"] = list(networks)
    return groups


def _levels(levels: Sequence[int]) -> str:
    return ", ".join(map(str, levels))


def _row(
    prior: Mapping[str, Any],
    label: str,
    group: Sequence[Mapping[str, Any]],
    first: Sequence[Mapping[str, Any]] | None,
) -> list[str]:
    speed, rival = _tokens_per_second(group, "seconds"), _tokens_per_second(group, "gpt2_seconds")
    seconds = median(map(sum, zip(*(network["seconds"] for network in group), strict=True)))
    steps = sum(network["num_steps"] for network in group)
    return [
        prior["model"],
        label,
        "+".join(dict.fromkeys(network["kind"] for network in group)),
        f"{sum(network['num_parameters'] for network in group) / 1e6:.1f} M",
        f"{speed:.0f}",
        f"{steps / prior['audio_seconds']:.1f}",
        f"{prior['audio_seconds'] / seconds:.1f}",
        "-" if first is None else f"{speed / _tokens_per_second(first, 'seconds'):.2f}",
        f"{rival:.0f}",
        f"{speed / rival:.2f}",
    ]


def _tokens_per_second(group: Sequence[Mapping[str, Any]], what: str) -> float:
    together = map(sum, zip(*(network[what] for network in group), strict=True))
    return float(sum(network["num_tokens"] for network in group) / median(together))
