"""The checkpoints of a run, which outlive a crash at any moment, a full disk, and a disk that forgets."""

from __future__ import annotations

import errno
import json
import math
import re
import warnings
from pathlib import Path

from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.train.checkpoint_file import (
    FORMAT_VERSION,
    CheckpointError,
    DamagedCheckpointError,
    State,
    is_whole,
    load_checkpoint,
    save_checkpoint,
)

__all__ = [
    "FORMAT_VERSION",
    "CheckpointError",
    "CheckpointFolder",
    "DamagedCheckpointError",
    "checkpoints",
    "load_checkpoint",
]

KEEP_RECENT = 2
SCORES = "scores.json"
_NAME = re.compile(r"step-(\d+)\.pt")
_NO_SPACE = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC}


class CheckpointFolder:
    """The checkpoints of one run: the last two, and the best by their scores, which scores.json holds.

    One process saves; any may load.

    Args:
        keep_best: how many to keep for their scores, beside the last two
        metric: what the scores are; lower is better
    Raises: CheckpointError when the folder holds scores of another metric.
    """

    def __init__(self, folder: Path, keep_best: int = 0, metric: str = "mel_l1_nats") -> None:
        self.folder = folder
        self.keep_best = keep_best
        self.metric = metric
        self._damaged: set[Path] = set()
        self._scores = self._read_scores()

    def latest(self) -> Path | None:
        """The newest checkpoint, damaged or not."""
        return next(reversed(checkpoints(self.folder)), None)

    def best(self) -> Path | None:
        """The one with the best score; None when none has any."""
        scored = {_step(path): path for path in checkpoints(self.folder) if _step(path) in self._scores}
        return min(scored.items(), key=lambda pair: self._scores[pair[0]])[1] if scored else None

    def load_latest(self) -> State | None:
        """Read the newest checkpoint; if it is damaged, warn and take the one before it.

        Raises: CheckpointError when all are damaged, or the newest is whole but not to be used.
        """
        problems = []
        for path in reversed(checkpoints(self.folder)):
            try:
                state = load_checkpoint(path)
            except DamagedCheckpointError as error:
                warnings.warn(f"{error}; taking the checkpoint before it", stacklevel=2)
                self._damaged.add(path)
                problems.append(str(error))
            else:
                self._scores |= _score_of(state)  # a crash right after it was written kept it out of scores.json
                return state
        if problems:
            raise CheckpointError("; ".join([*problems, f"to start from the beginning, move {self.folder} away"]))
        return None

    def save(self, step: int, state: State, score: float | None = None) -> Path:
        """Write a checkpoint; once it is on the disk, delete those that are no longer to be kept.

        Args:
            state: plain values and tensors; format_version, step and score are added
            score: None, NaN and infinity are never among the best
        Raises: CheckpointError when the disk refuses; the earlier checkpoints then stand as they were.
        """
        score = float(score) if score is not None and math.isfinite(score) else None
        state = {**state, "step": step, "score": score}
        path = self.folder / f"step-{step:08d}.pt"
        self._write(path, state)
        self._damaged.discard(path)
        self._scores.pop(step, None)  # this step may have been saved before
        self._scores |= _score_of(state)
        for spent in self._spent(step):
            _delete(spent)
            self._scores.pop(_step(spent), None)
        self._write_scores()  # last, where the disk has room again: a crash before it is made good by load_latest
        return path

    def _spent(self, newest: int) -> list[Path]:
        """The checkpoints that need not be kept."""
        # Those of later steps than the newest are let be: the run went back, and who knows why.
        past = [path for path in checkpoints(self.folder) if _step(path) <= newest]
        whole = [path for path in past if path not in self._damaged]
        scored = [path for path in whole if _step(path) in self._scores]
        best = sorted(scored, key=lambda path: self._scores[_step(path)])[: self.keep_best]
        return [path for path in past if path not in {*whole[-KEEP_RECENT:], *best}]

    def _write(self, path: Path, state: State) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_unfinished(self.folder)
            save_checkpoint(path, state)
        except OSError as error:
            raise CheckpointError(self._refusal(path, error)) from error

    def _write_scores(self) -> None:
        path = self.folder / SCORES
        if not self._scores and not path.exists():
            return
        table = {"metric": self.metric, "scores": dict(sorted(self._scores.items()))}
        try:
            with write_atomically(path) as file:
                file.write((json.dumps(table, indent=2) + "\n").encode())
        except OSError as error:
            raise CheckpointError(self._refusal(path, error)) from error

    def _read_scores(self) -> dict[int, float]:
        path = self.folder / SCORES
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            metric = table["metric"]
            scores = {int(step): float(score) for step, score in table["scores"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(f"{path}: damaged ({error}); taking the scores from the checkpoints", stacklevel=3)
            return self._scores_of_checkpoints()
        there = set(map(_step, checkpoints(self.folder)))
        scores = {step: score for step, score in scores.items() if step in there}
        if scores and metric != self.metric:
            raise CheckpointError(
                f"{path} holds scores of {metric}, this run scores {self.metric}: choose another folder, or delete "
                "the file to keep no checkpoint for its old score"
            )
        return scores

    def _scores_of_checkpoints(self) -> dict[int, float]:
        scores: dict[int, float] = {}
        for path in checkpoints(self.folder):
            try:
                scores |= _score_of(load_checkpoint(path))
            except CheckpointError as error:
                warnings.warn(f"{error}; it has no score", stacklevel=4)
        return scores

    def _refusal(self, path: Path, error: OSError) -> str:
        remedy = "free space there" if error.errno in _NO_SPACE else "put that right"
        whole = next((earlier for earlier in reversed(checkpoints(self.folder)) if is_whole(earlier)), None)
        earlier = f"{whole.name} is whole, and the run goes on from it" if whole else "there is no earlier one"
        return f"cannot write {path}: {error.strerror}; {earlier}: {remedy} and start the same command again"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted((path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)), key=_step)


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1])


def _score_of(state: State) -> dict[int, float]:
    return {} if state["score"] is None else {state["step"]: state["score"]}


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:  # the newer checkpoint is in place, and the run need not end for this
        warnings.warn(f"{path}: cannot be deleted: {error.strerror}", stacklevel=3)
