"""From the scores of many utterances to one table: means with intervals, and what could not be measured."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from audiovq.metrics.codebook import entropy, perplexity, usage
from audiovq.metrics.interval import Interval, bootstrap_mean
from audiovq.metrics.registry import COLUMNS
from audiovq.metrics.score_file import Scores

Summary = dict[str, Any]  # as JSON has it


def summarise_scores(utterances: Sequence[Scores], metrics: Sequence[str]) -> Summary:
    """Mean and interval of every metric at every prefix of levels, and how often and why there was none.

    Each utterance has "prefixes" and "not_measurable": one {metric: score} and one {metric: reason} for each prefix.
    """
    num_prefixes = len(utterances[0]["prefixes"])
    prefixes, reasons = [], []
    for prefix in range(num_prefixes):
        values = {
            name: [scores["prefixes"][prefix][name] for scores in utterances if name in scores["prefixes"][prefix]]
            for name in metrics
        }
        means = {name: asdict(bootstrap_mean(numbers)) for name, numbers in values.items() if numbers}
        prefixes.append({"levels": prefix + 1, "scores": means})
        counted = Counter(reason for scores in utterances for reason in scores["not_measurable"][prefix].items())
        reasons += [
            {"levels": prefix + 1, "metric": name, "reason": reason, "count": count}
            for (name, reason), count in sorted(counted.items())
        ]
    return {"prefixes": prefixes, "not_measurable": reasons}


def summarise_errors(utterances: Sequence[Scores]) -> Summary:
    """Character error rate by language, of the originals and of every prefix, each text weighted by its length.

    Utterances that were listened to have "num_characters" and "character_errors": of the original, then of each prefix.
    The others may have a reason under "not_heard".
    """
    by_language: dict[str, list[Scores]] = {}
    for scores in utterances:
        if "character_errors" in scores:
            by_language.setdefault(scores["language"], []).append(scores)
    groups = dict(sorted(by_language.items()))
    if len(groups) > 1:
        groups["all"] = [scores for group in by_language.values() for scores in group]
    reasons = Counter(scores["not_heard"] for scores in utterances if "not_heard" in scores)
    return {
        "character_error_rates": {
            language: [asdict(interval) for interval in _error_rates(group)] for language, group in groups.items()
        },
        "not_heard": [{"reason": reason, "count": count} for reason, count in sorted(reasons.items())],
    }


def _error_rates(group: Sequence[Scores]) -> list[Interval]:
    lengths = [scores["num_characters"] for scores in group]
    columns = zip(*(scores["character_errors"] for scores in group), strict=True)
    return [
        bootstrap_mean([errors / length for errors, length in zip(column, lengths, strict=True)], weights=lengths)
        for column in columns
    ]


def summarise_codebooks(counts: Sequence[Tensor], frame_rates: Sequence[float]) -> list[Summary]:
    """What use each codebook is of, level by level.

    Shape: counts (K_l, V_l), one for each level
    """
    rows = []
    for level, (level_counts, frame_rate) in enumerate(zip(counts, frame_rates, strict=True)):
        statistics = zip(usage(level_counts), entropy(level_counts), perplexity(level_counts), strict=True)
        for codebook, (share, bits, entries) in enumerate(statistics):
            rows.append(
                {
                    "level": level,
                    "codebook": codebook,
                    "codebook_size": level_counts.shape[1],
                    "frame_rate": float(frame_rate),
                    "num_codes": int(level_counts[codebook].sum()),
                    "usage": float(share),
                    "entropy_bits": float(bits),
                    "perplexity": float(entries),
                }
            )
    return rows


def markdown(summary: Summary) -> str:
    """All tables of a summary."""
    parts = [_score_table(summary), _reasons(summary["not_measurable"])]
    if summary["character_error_rates"]:
        parts.append(_error_table(summary["character_error_rates"]))
    left_out = [f"- CER leaves out {each['count']} utterance(s): {each['reason']}" for each in summary["not_heard"]]
    parts.append("\n".join(left_out))
    parts.append(_codebook_table(summary["codebooks"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table: the first column to the left, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _score_table(summary: Summary) -> str:
    names = list(dict.fromkeys(name for prefix in summary["prefixes"] for name in prefix["scores"]))
    headings = [COLUMNS[name].heading for name in names]
    rows = [
        [
            str(prefix["levels"]),
            f"{prefix['bits_per_second']:.0f}",
            f"{prefix['entropy_bits_per_second']:.0f}",
            *(cell(prefix["scores"].get(name), summary["num_utterances"]) for name in names),
        ]
        for prefix in summary["prefixes"]
    ]
    return table(["levels", "bits per second", "entropy-coded", *headings], rows)


def _reasons(reasons: Iterable[Summary]) -> str:
    levels: dict[tuple[str, int, str], list[str]] = {}
    for each in reasons:
        levels.setdefault((each["metric"], each["count"], each["reason"]), []).append(str(each["levels"]))
    return "\n".join(
        f"- {COLUMNS[name].title} has no value for {count} utterance(s) at levels={', '.join(numbers)}: {reason}"
        for (name, count, reason), numbers in levels.items()
    )


def _error_table(rates: dict[str, list[dict[str, float]]]) -> str:
    num_columns = len(next(iter(rates.values())))
    header = ["CER ↓", "texts", "original", *(f"{levels} level(s)" for levels in range(1, num_columns))]
    rows = [
        [language, str(intervals[0]["count"]), *(cell(interval, interval["count"]) for interval in intervals)]
        for language, intervals in rates.items()
    ]
    return table(header, rows)


def _codebook_table(codebooks: Iterable[Summary]) -> str:
    header = ["level", "codebook", "frames per second", "entries", "codes counted", "usage ↑", "entropy, bits ↑"]
    rows = [
        [
            str(row["level"]),
            str(row["codebook"]),
            f"{row['frame_rate']:g}",
            str(row["codebook_size"]),
            str(row["num_codes"]),
            f"{row['usage']:.1%}",
            f"{row['entropy_bits']:.2f}",
            f"{row['perplexity']:.0f} ({row['perplexity'] / row['codebook_size']:.1%})",
        ]
        for row in codebooks
    ]
    return table([*header, "perplexity ↑"], rows)


def cell(interval: dict[str, float] | None, expected_count: float) -> str:
    """Mean and interval, with the number of utterances where it is not the expected one."""
    if interval is None:
        return "-"
    text = f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
    return text if interval["count"] == expected_count else f"{text} n={interval['count']}"
