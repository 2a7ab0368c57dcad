"""What a run tells while it runs: the progress line, log.jsonl and tensorboard, from the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from audiovq.train.progress import ProgressLine
from audiovq.train.run_log import RunLog
from audiovq.train.speed import SpeedMeter
from audiovq.train.task import Validation
from audiovq.train.update import UpdateReport


class Reporter:
    """Loss terms and gradient norms are means over the steps since the last progress report."""

    def __init__(self, folder: Path, steps_done: int, total_steps: int, active: bool) -> None:
        self.total_steps = total_steps
        self._log = RunLog(folder, steps_done, active)
        self._progress = ProgressLine(total_steps, steps_done, active)
        self._meter = SpeedMeter()
        self._updates: list[UpdateReport] = []

    def __enter__(self) -> Reporter:
        self._progress.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.__exit__(*_)
        self._log.close()

    def waiting(self) -> AbstractContextManager[None]:
        """Around what waits for data."""
        return self._meter.waiting()

    def event(self, kind: str, step: int, values: Mapping[str, object]) -> None:
        """Something that happened between two steps; the clock of the speed starts anew after it."""
        self._log.event(kind, step, values)
        said = "  ".join(f"{name} {value}" for name, value in values.items() if value not in ([], "", None))
        self._progress.note(f"{kind} at step {step}  {said}")
        self._meter.reset()

    def update(self, update: UpdateReport) -> None:
        """One more step is done."""
        self._updates.append(update)
        self._meter.heard(update.audio_seconds)

    def progress(self, step: int, epoch: int) -> None:
        """Tell of the steps since the last time."""
        terms = _mean([update.terms for update in self._updates])
        norms = _mean([update.gradient_norms for update in self._updates])
        speed, waiting = self._meter.audio_seconds_per_second, self._meter.waiting_share
        self._progress.report(step, terms, speed, waiting, (self.total_steps - step) * self._meter.seconds_per_step)
        values = {"epoch": epoch, **terms, "audio_seconds_per_second": speed, "waiting_share": waiting}
        self._log.event("train", step, {name: _rounded(value) for name, value in values.items()})
        self._log.scalars(
            step,
            {
                **{f"loss/{name}": value for name, value in terms.items()},
                **{f"gradient_norm/{name}": value for name, value in norms.items()},
                **{f"learning_rate/{name}": value for name, value in self._updates[-1].learning_rates.items()},
                "speed/audio_seconds_per_second": speed,
                "speed/waiting_share": waiting,
            },
        )
        self._updates = []
        self._meter.reset()

    def validation(self, step: int, epoch: int, validation: Validation) -> None:
        """Tell what held-out data say."""
        self.event("valid", step, {"epoch": epoch, **validation.values})
        self._log.scalars(step, {f"valid/{name}": value for name, value in validation.scalars.items()})
        for name, matrix in validation.pictures.items():
            self._log.picture(step, name, matrix)
        for name, wave in validation.sounds.items():
            self._log.audio(step, name, wave, validation.sample_rate)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")
