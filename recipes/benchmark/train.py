"""How fast a recipe trains, with and without the loading of its data."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recipes.benchmark.machine import machine


class TrainingFailedError(RuntimeError):
    """A training that did not end well, with its last words."""


@dataclass(frozen=True)
class TrainingSpeed:
    """Seconds of audio per second, and the share of the time spent waiting for data."""

    audio_seconds_per_second: float
    waiting_share: float

    @property
    def without_loading(self) -> float:
        return self.audio_seconds_per_second / (1 - self.waiting_share)


def measure(recipe: str, settings: Sequence[str], steps: int) -> TrainingSpeed:
    """Run a recipe for twice ``steps`` steps, and read from its log how fast the second half went.

    Raises: TrainingFailedError.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = [f"output_dir={folder}", f"total_steps={2 * steps}", f"log_every={steps}"]
        run += [f"checkpoint_every={2 * steps}", f"validate_every={2 * steps}"]
        command = [sys.executable, "-m", f"recipes.{recipe}", *settings, *run]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            last = "\n".join((result.stderr or result.stdout).splitlines()[-3:])
            raise TrainingFailedError(f"`{' '.join(command)}` ended with code {result.returncode}: {last}")
        events = map(json.loads, (Path(folder) / "log.jsonl").read_text().splitlines())
        last_report = [event for event in events if event["event"] == "train"][-1]
    return TrainingSpeed(last_report["audio_seconds_per_second"], last_report["waiting_share"])


def train_speed(recipe: str, variants: Sequence[str], settings: Sequence[str], steps: int) -> str:
    """One row for each variant, and how many times faster the first is than each, in Markdown."""
    speeds = [measure(recipe, [*settings, *variant.split()], steps) for variant in variants]
    lines = [
        f"{recipe} {' '.join(settings)}, {steps} steps after {steps} to warm up ({machine()}):",
        "",
        "| settings | s of audio per s | without loading | waiting for data | ratio |",
        "|---|---:|---:|---:|---:|",
    ]
    for variant, speed in zip(variants, speeds, strict=True):
        lines.append(
            f"| {variant or 'as they are'} | {speed.audio_seconds_per_second:.1f} | {speed.without_loading:.1f} "
            f"| {100 * speed.waiting_share:.1f} % "
            f"| {speeds[0].audio_seconds_per_second / speed.audio_seconds_per_second:.2f} |"
        )
    return "\n".join(lines) + "\n"
