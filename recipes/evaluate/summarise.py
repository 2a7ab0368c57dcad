"""From the score file to everything that the tables show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from audiovq.metrics.codebook import code_counts
from audiovq.metrics.registry import DECODER_MEL
from audiovq.metrics.score_file import Scores
from audiovq.metrics.summary import Summary, summarise_codebooks, summarise_errors, summarise_scores
from recipes.evaluate.utterances import read_codes


def summarise(subject: dict[str, Any], utterances: Sequence[Scores], metrics: Sequence[str]) -> Summary:
    """Everything the tables show."""
    codes, counts = read_codes(utterances[0]), count_codes(utterances)
    summary = summarise_scores(utterances, [DECODER_MEL, *metrics])
    codebooks = summarise_codebooks(counts, [float(rate) for rate in codes.frame_rates])
    for prefix in summary["prefixes"]:
        prefix["bits_per_second"] = codes.prefix(prefix["levels"]).bits_per_second
        prefix["entropy_bits_per_second"] = entropy_bits_per_second(codebooks, prefix["levels"])
    return {
        "subject": subject,
        "num_utterances": len(utterances),
        "num_speakers": len({scores["speaker"] for scores in utterances}),
        "seconds": sum(scores["seconds"] for scores in utterances),
        **summary,
        **summarise_errors(utterances),
        "codebooks": codebooks,
    }


def entropy_bits_per_second(codebooks: Sequence[Summary], num_levels: int) -> float:
    """What an ideal entropy coder needs that knows how often each code occurs here, and nothing of their order."""
    return sum(row["entropy_bits"] * row["frame_rate"] for row in codebooks if row["level"] < num_levels)


def count_codes(utterances: Sequence[Scores]) -> list[torch.Tensor]:
    """How often each entry occurs in all of them, level by level.

    Shape: (K_l, V_l), one for each level
    """
    codes = [read_codes(scores) for scores in utterances]
    return [
        torch.stack([code_counts(each.levels[level], size) for each in codes]).sum(0)
        for level, size in enumerate(codes[0].codebook_sizes)
    ]
