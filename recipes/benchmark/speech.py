"""The same sentences spoken by several systems: how well they are understood, how they sound, what they cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from audiovq.audio import io
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.mos import distillmos
from audiovq.metrics.recogniser import Recogniser
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.summary import table
from audiovq.metrics.text import cer
from recipes.benchmark.codec import NotAvailableError
from recipes.benchmark.machine import machine
from recipes.benchmark.sentences import Sentence
from recipes.benchmark.voices import Speaks

Hears = Callable[..., str]  # a wave (T,), its rate and the language -> what was said
Grades = Callable[..., float]  # a reference, a wave and their rate -> MOS
_HEADER = ["system", "sentences", "CER ↓", "DistillMOS ↑", "real-time factor ↓", "seconds of sound"]


def compare_speech(
    systems: Mapping[str, Callable[[], Speaks]],
    sentences: Sequence[Sentence],
    language: str,
    out: Path,
    hears: Hears | None = None,
    grades: Grades = distillmos,
) -> dict[str, Any]:
    """Speak and score what is not done yet; sounds and scores of each system are in a folder of its name.

    Raises: ScoreFileError when ``out`` holds the scores of another system.
    """
    hears = hears or Recogniser().transcribe
    rows, missing = [], {}
    for word, make in systems.items():
        try:
            system = make()
        except NotAvailableError as error:
            missing[word] = str(error)
            print(f"benchmark: {word} is left out: {error}", file=sys.stderr)
            continue
        folder = out / word
        file = ScoreFile(folder / "scores.jsonl", {"system": system.name, "language": language})
        todo = [sentence for sentence in sentences if sentence.name not in file.scores]
        if todo:
            system.speak(todo[0].text)  # warms up
        for sentence in todo:
            file.add(_score(system, sentence, language, folder, hears, grades))
        rows.append(_row(word, system.name, [file.scores[sentence.name] for sentence in sentences]))
    return {"machine": machine(), "language": language, "systems": rows, "missing": missing}


def speech_text(results: Mapping[str, Any]) -> str:
    """A row for each system, and what there was not."""
    rows = [
        [
            row["name"],
            str(row["num_sentences"]),
            "{mean:.3f} [{low:.3f}, {high:.3f}]".format(**row["cer"]),
            "{mean:.2f} [{low:.2f}, {high:.2f}]".format(**row["distillmos"]),
            f"{row['real_time_factor']:.3f}",
            f"{row['seconds']:.1f}",
        ]
        for row in results["systems"]
    ]
    about = f"The same sentences ({results['language']}); means with 95 % bootstrap intervals ({results['machine']})."
    notes = "".join(f"- not measured: {word}: {reason}\n" for word, reason in results["missing"].items())
    return f"{about}\n\n{table(_HEADER, rows)}\n" + (f"\n{notes}" if notes else "")


def _score(system: Speaks, sentence: Sentence, language: str, folder: Path, hears: Hears, grades: Grades) -> Scores:
    start = perf_counter()
    sound = system.speak(sentence.text)
    took = perf_counter() - start
    io.write(folder / f"{sentence.name.replace('/', '_')}.wav", sound, system.sample_rate)
    heard = hears(sound[0], system.sample_rate, language)
    errors = cer(sentence.text, heard)
    return {
        "utterance": sentence.name,
        "text": sentence.text,
        "heard": heard,
        "num_errors": errors.num_errors,
        "num_reference": errors.num_reference,
        "distillmos": grades(sound, sound, system.sample_rate),
        "seconds": sound.shape[1] / system.sample_rate,
        "took_seconds": took,
    }


def _row(word: str, name: str, scores: Sequence[Scores]) -> dict[str, Any]:
    seconds = sum(score["seconds"] for score in scores)
    lengths = [score["num_reference"] for score in scores]
    return {
        "system": word,
        "name": name,
        "num_sentences": len(scores),
        "cer": asdict(bootstrap_mean([score["num_errors"] / score["num_reference"] for score in scores], lengths)),
        "distillmos": asdict(bootstrap_mean([score["distillmos"] for score in scores])),
        "real_time_factor": sum(score["took_seconds"] for score in scores) / seconds,
        "seconds": seconds,
    }
