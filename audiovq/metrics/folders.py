"""Score a folder of results against a folder of references, and go on where an earlier run stopped."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from audiovq.metrics.choice import chosen_metrics, without_absent
from audiovq.metrics.pair_scorer import PairScorer, Settings, Work
from audiovq.metrics.pair_summary import markdown, summarise_pairs
from audiovq.metrics.pairs import Pair, match, write_scp
from audiovq.metrics.recogniser import PACKAGED
from audiovq.metrics.registry import METRICS
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import score_all
from audiovq.metrics.summary import Summary
from audiovq.metrics.text import TEXT_METRICS
from audiovq.system.files import remove_unfinished, write_atomically

Progress = Callable[[int, int], None]  # told how many pairs are done, and how many there are


def score_folders(
    references: str | os.PathLike[str],
    results: str | os.PathLike[str],
    out: str | os.PathLike[str],
    metrics: Sequence[str],
    num_workers: int = 1,
    align: bool = False,
    *,
    sample_rate: int | None = None,
    recogniser: str = PACKAGED,
    texts: Mapping[str, str] | None = None,
    languages: Mapping[str, str] | None = None,
    language: str = "en",
    on_progress: Progress | None = None,
) -> Summary:
    """Write scores.jsonl, summary.json, RESULTS.md, ref.scp and gen.scp into `out`, and return the summary.

    The same call again measures only what is not there yet, or whose files have changed. The summary has, among others,
    {"metrics": {name: {"mean", "low", "high", "n"}}, "failures": [{"utterance", "reason"}], "left_out": {name: why}}.

    Args:
        references, results: folders, or scp files. Files with the same path but for the suffix are a pair.
        metrics: names of `registry.METRICS`, "cer", "wer", or the groups "speech", "music" and "all".
        texts: what is said, by name; without them the error rates are against what is heard in the reference.
    Raises: PairError, AudioError or ValueError when there is nothing to score, or `out` has scores of other folders.
    """
    names, left_out = without_absent(chosen_metrics(metrics, [*METRICS, *TEXT_METRICS]))
    if not names:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ValueError(f"there is nothing to score with: {reasons or 'no metric was named'}")
    matching = match(references, results, texts, languages, language)
    settings = Settings(align, sample_rate, recogniser)
    folder = Path(out)
    subject = {"references": str(references), "results": str(results), **asdict(settings)}
    score_file = ScoreFile(folder / "scores.jsonl", subject)
    remove_unfinished(folder)
    write_scp(folder, matching.pairs)
    failures = dict.fromkeys(matching.without_result, "there is no result of this name")
    todo, total = [], len(matching.pairs)
    for pair in matching.pairs:
        try:
            work = unscored(pair, score_file.scores.get(pair.name), names)
            todo += [work] if work.metrics else []
        except OSError as error:
            failures[pair.name] = f"{error.filename}: {error.strerror}"
    done = total - len(todo)
    for scores in score_all(functools.partial(PairScorer, settings, names), todo, num_workers, _killed):
        if "failed" in scores:
            failures[scores["utterance"]] = scores["failed"]
        else:
            score_file.add(scores)
        done += 1
        if on_progress is not None:
            on_progress(done, total)
    scored = [score_file.scores[pair.name] for pair in matching.pairs if pair.name not in failures]
    summary: Summary = {
        "subject": subject | {"metrics": names},
        **summarise_pairs(scored, names),
        "without_reference": list(matching.without_reference),
        "failures": [{"utterance": name, "reason": reason} for name, reason in sorted(failures.items())],
        "left_out": left_out,
    }
    content = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    for name, text in (("summary.json", content), ("RESULTS.md", markdown(summary))):
        with write_atomically(folder / name) as file:
            file.write(text.encode())
    return summary


def _killed(work: Work, reason: str) -> Scores:
    return {"utterance": work.pair.name, "failed": reason}


def unscored(pair: Pair, before: Scores | None, metrics: Sequence[str]) -> Work:
    """What is still to be measured of a pair whose line in the score file is `before`.

    Raises: OSError for a file that is not there.
    """
    files = [[stat.st_size, stat.st_mtime_ns] for stat in map(os.stat, (pair.reference, pair.result))]
    if before is None or before["files"] != files:
        return Work(pair, tuple(metrics), files)
    known = before["scores"].keys() | before["not_measurable"].keys()
    if (before.get("given_text"), before.get("language")) != (pair.text, pair.language):
        known -= TEXT_METRICS.keys()
    return Work(pair, tuple(name for name in metrics if name not in known), files, before)
