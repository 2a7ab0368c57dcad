"""Whether music is as its labels say: in the key, and in the tempo, that were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from audiovq.metrics.music.tempo import is_same_tempo
from audiovq.metrics.score_file import Scores

_KEY = re.compile(r"[A-G]#? (major|minor)")
_TEMPO = re.compile(r"([0-9]+) bpm")


def read_labels(path: Path) -> dict[str, list[str]]:
    """The labels of each piece, of labels.jsonl of recipes.prepare, or made.jsonl of recipes.compose.

    Raises: ValueError naming a line that is neither.
    """
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            if number == 1 and "subject" in row:  # of made.jsonl the first
                continue
            name, labels = row["id"] if "id" in row else row["utterance"], row["labels"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path}:{number}: expected an object with "id" or "utterance", and "labels"') from error
        # In made.jsonl a folder precedes: new/new-1.
        found[name.rpartition("/")[2]] = list(labels.values() if isinstance(labels, Mapping) else labels)
    return found


def followed(scores: Scores, labels: Sequence[str]) -> dict[str, float]:
    """1 or 0 for what a label tells and can be heard: the key; the tempo, or its double or half."""
    found = {}
    for label in labels:
        if _KEY.fullmatch(label) and "key" in scores:
            found["key_as_labelled"] = float(scores["key"] == label)
        elif (tempo := _TEMPO.fullmatch(label)) and "tempo_bpm" in scores:
            found["tempo_as_labelled"] = float(is_same_tempo(scores["tempo_bpm"], float(tempo[1])))
    return found
