"""The scores of spoken sentences, by speaker, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, quantiles
from typing import Any

from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.score_file import Scores
from audiovq.metrics.summary import table

ALL = "all"


def summarise(scores: Sequence[Scores], subject: Mapping[str, Any]) -> dict[str, Any]:
    """Means by speaker and over all, as JSON has them."""
    speakers = list(dict.fromkeys(score["speaker"] for score in scores))
    groups = {speaker: [score for score in scores if score["speaker"] == speaker] for speaker in speakers}
    if len(groups) > 1:
        groups[ALL] = list(scores)
    return {"subject": dict(subject), "speakers": {name: _of(group) for name, group in groups.items()}}


def _of(scores: Sequence[Scores]) -> dict[str, Any]:
    ratios = [score["seconds"] / score["recorded_seconds"] for score in scores]
    seconds = sum(score["seconds"] for score in scores)
    return {
        "num_sentences": len(scores),
        "cer_spoken": _error_rate(scores, "spoken"),
        "cer_reconstructed": _error_rate(scores, "reconstructed"),
        "similarity": _mean_of(scores, "similarity"),
        "length_ratio": {
            "mean": fmean(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
            "tenths": _tenths(ratios),
        },
        "bits_per_second": _mean_of(scores, "bits_per_second"),
        "recorded_bits_per_second": _mean_of(scores, "recorded_bits_per_second"),
        "codes_real_time_factor": sum(score["codes_took_seconds"] for score in scores) / seconds,
        "sound_real_time_factor": sum(score["sound_took_seconds"] for score in scores) / seconds,
    }


def _mean_of(scores: Sequence[Scores], name: str) -> dict[str, Any] | None:
    values = [score[name] for score in scores if score[name] is not None]
    return asdict(bootstrap_mean(values)) if values else None


def _error_rate(scores: Sequence[Scores], what: str) -> dict[str, Any] | None:
    errors = [score[what] for score in scores if score[what] is not None]
    if not errors:
        return None
    lengths = [error["num_reference"] for error in errors]
    return asdict(bootstrap_mean([error["num_errors"] / error["num_reference"] for error in errors], lengths))


def _tenths(values: Sequence[float]) -> list[float]:
    """The values below which a tenth and nine tenths of them lie."""
    cuts = quantiles(values, n=10) if len(values) > 1 else [values[0]] * 9
    return [cuts[0], cuts[-1]]


def markdown(summary: Mapping[str, Any], command: str) -> str:
    """The summary for people."""
    header = ["speaker", "sentences", "CER, spoken ↓", "CER, reconstructed ↓", "speaker similarity, cosine ↑"]
    header += ["length by that of the recording", "bits per second, spoken", "bits per second, recorded"]
    header += ["real-time factor, codes ↓", "real-time factor, sound ↓"]
    rows = [
        [
            name,
            str(group["num_sentences"]),
            _interval(group["cer_spoken"]),
            _interval(group["cer_reconstructed"]),
            _interval(group["similarity"]),
            "{mean:.2f} [{lowest:.2f}, {highest:.2f}]".format(**group["length_ratio"]),
            _interval(group["bits_per_second"], 1),
            _interval(group["recorded_bits_per_second"], 1),
            f"{group['codes_real_time_factor']:.3f}",
            f"{group['sound_real_time_factor']:.3f}",
        ]
        for name, group in summary["speakers"].items()
    ]
    subject = summary["subject"]
    return (
        f"Sentences that were held out, with {subject['vocoder']} as vocoder; means with 95 % bootstrap intervals, of "
        "lengths the lowest and highest. Reconstructed: the recordings of the same sentences, from their codes. "
        "Bits per second of audio: what the codes cost under the prior.\n\n"
        f"    {command}\n\n{table(header, rows)}\n"
    )


def _interval(values: Mapping[str, float] | None, digits: int = 3) -> str:
    if values is None:
        return "-"
    return f"{values['mean']:.{digits}f} [{values['low']:.{digits}f}, {values['high']:.{digits}f}]"
