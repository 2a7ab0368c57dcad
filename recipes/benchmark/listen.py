"""A report.json of a comparison, of which `audiovq report` makes a page to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiovq.metrics.interval import Interval
from audiovq.report import Clip, Report, System
from audiovq.report.evaluation import metric_of
from recipes.benchmark.codecs import Utterance, file_name
from recipes.benchmark.tables import column_of

NUM_CLIPS = 12  # sounds are embedded in the page


def write_report(out: Path, results: Mapping[str, Any], utterances: Sequence[Utterance]) -> None:
    """Every codec with its scores, and the longest utterance of each voice as a clip."""
    rows = results["codecs"]
    names = [name for name in results["metrics"] if any(name in row["scores"] for row in rows)]
    systems = [
        System(
            name=row["name"],
            family=row["codec"].partition(":")[0],
            bits_per_second=row["payload_bits_per_second"],
            scores={name: Interval(**values) for name, values in row["scores"].items()},
        )
        for row in rows
    ]
    clips = [
        Clip(
            id=utterance.name,
            original=utterance.path.relative_to(out).as_posix(),
            files={
                row["name"]: path.relative_to(out).as_posix()
                for row in rows
                if (path := out / file_name(row["codec"]) / "wav" / utterance.path.name).exists()
            },
        )
        for utterance in _longest_of_each_speaker(utterances)[:NUM_CLIPS]
    ]
    Report(
        title="Codecs side by side",
        note=f"{results['num_utterances']} utterances of {results['data']}: {results['command']}",
        metrics={name: metric_of(column_of(name)) for name in names},
        systems=systems,
        clips=clips,
    ).save(out)


def _longest_of_each_speaker(utterances: Sequence[Utterance]) -> list[Utterance]:
    longest: dict[str, Utterance] = {}
    for utterance in sorted(utterances, key=lambda each: (-each.seconds, each.name)):
        longest.setdefault(utterance.speaker, utterance)
    return list(longest.values())
