"""The training loop of every recipe: steps, validation, checkpoints, and going on exactly where it was stopped."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Generic

import torch
from lightning_fabric import Fabric

from audiovq.system.distributed import all_reduce_sum, gather_objects, rank, world_size
from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.system.lock import only_run
from audiovq.train.checkpoint import CheckpointError, CheckpointFolder
from audiovq.train.config import HARMLESS, RunConfig
from audiovq.train.identity import check_same_run
from audiovq.train.preemption import EXIT_AGAIN, StopRequests
from audiovq.train.random_state import random_state, seed_everything, set_random_state
from audiovq.train.reporter import Reporter
from audiovq.train.shares import own_shares
from audiovq.train.task import AnyBatch, Item, Task
from audiovq.train.update import NotFiniteError, Updater


class Loop(Generic[Item, AnyBatch]):
    """Runs a task to its last step, or until it is asked to stop.

    What a run is at a step boundary: the networks with their optimizers and averages, the step, the position in the
    data (epoch and batches done), whether a validation is due, the gradient scaler, and the random states of every
    process. ``settings`` is the whole configuration as plain values: a run goes on only under the one it began with.
    """

    def __init__(
        self,
        task: Task[Item, AnyBatch],
        config: RunConfig,
        settings: dict[str, Any],
        fabric: Fabric,
        stop: StopRequests,
    ) -> None:
        self.task, self.config, self.settings, self.fabric, self.stop = task, config, settings, fabric, stop
        self.folder = Path(config.output_dir)
        self.checkpoints = CheckpointFolder(self.folder / "checkpoints", config.keep_best, task.score_name)
        self.updater = Updater(task, fabric)
        self.step, self.epoch, self.batches_done, self.audio_seconds = 0, 0, 0, 0.0
        self.validation_due = False

    def run(self) -> int:
        """Returns the exit code: 0 when the last step is done, EXIT_AGAIN when stopped before.

        Raises: FolderInUseError, ChangedConfigError, CheckpointError, NotFiniteError, MemoryError, and what the task
            raises.
        """
        with only_run(self.folder) if rank() == 0 else nullcontext():
            return self._run()

    def _run(self) -> int:
        if rank() == 0:
            for folder in (self.folder, self.folder / "checkpoints", self.folder / "model"):
                remove_unfinished(folder)
        seed_everything(self.config.seed, rank())
        notes = self._resume()
        if rank() == 0:
            with write_atomically(self.folder / "config.json") as file:
                file.write((json.dumps(self.settings, indent=2) + "\n").encode())
        with Reporter(self.folder, self.step, self.config.total_steps, active=rank() == 0) as self.report:
            precision = self.fabric.strategy.precision.precision  # what auto stands for here
            begun = {"command": " ".join(sys.argv[1:]), "precision": precision, "notes": notes}
            self.report.event("resume" if self.step else "begin", self.step, begun)
            # Every call gets something done, however short its time budget: this validation, or the step below.
            stopped = self.validation_due and self._validate_and_save(in_any_case=True)
            if not stopped and self.step < self.config.total_steps:
                self._train()
            finished = self.step >= self.config.total_steps and not self.validation_due
            reason = "the last step is done" if finished else self.stop.reason or "another process was asked to stop"
            values = {"reason": reason, "audio_seconds": self.audio_seconds}
            self.report.event("end" if finished else "stop", self.step, values)
        return 0 if finished else EXIT_AGAIN

    # -- steps ---------------------------------------------------------------------------------------------------

    def _train(self) -> None:
        batches = self.task.epoch_batches(self.epoch)
        self.updater.rehearse(list(self._load([max(batches, key=self.task.cost)])))
        for shares in self._batches(batches):
            if done := self.task.before_step(self.step):
                self.report.event("start", self.step, {"notes": done})
            try:
                update = self.updater.update(self.step, shares)
            except NotFiniteError as error:
                raise NotFiniteError(f"{error}; the last good state is {self.checkpoints.latest()}") from None
            self.step += 1
            self.batches_done += 1
            self.audio_seconds += update.audio_seconds
            self.report.update(update)
            if self.step % self.config.log_every == 0:
                self.report.progress(self.step, self.epoch)
            last = self.step >= self.config.total_steps
            self.validation_due = last or self.step % self.config.validate_every == 0
            if self._validate_and_save() or last:
                return

    def _validate_and_save(self, in_any_case: bool = False) -> bool:
        """Do what is due at this step boundary; whether the run was asked to stop.

        Args:
            in_any_case: validate even when the time budget is over
        """
        stopping, validation = self._asked_to_stop(), None
        if self.validation_due and (in_any_case or not stopping):
            validation = self.task.validate(self.step, go_on=lambda: not self._asked_to_stop(only_signals=in_any_case))
            self.validation_due = validation is None
            stopping = stopping or validation is None
        if validation is not None:
            self.report.validation(self.step, self.epoch, validation)
        if stopping or validation is not None or self.step % self.config.checkpoint_every == 0:
            self._save(None if validation is None else validation.score)
        return stopping

    def _asked_to_stop(self, only_signals: bool = False) -> bool:
        """Whether any process was: they all stop at the same step."""
        reason = self.stop.signal if only_signals else self.stop.reason
        asked = torch.tensor(float(reason is not None), device=self.fabric.device)
        return bool(all_reduce_sum(asked) > 0)

    # -- data ----------------------------------------------------------------------------------------------------

    def _batches(self, batches: Sequence[Sequence[Item]]) -> Iterator[Sequence[AnyBatch]]:
        """This process's shares of every global batch, from the position of the run on, without end.

        Args:
            batches: those of the epoch that the run is in
        """
        while True:
            shares = iter(self._load(batches[self.batches_done :]))
            for _ in range(self.batches_done, len(batches)):
                with self.report.waiting():
                    ready = [next(shares) for _ in range(self.config.accumulate)]
                yield ready
            self.epoch, self.batches_done = self.epoch + 1, 0
            batches = self.task.epoch_batches(self.epoch)

    def _load(self, batches: Sequence[Sequence[Item]]) -> Iterator[AnyBatch]:
        shares = [
            share for batch in batches for share in own_shares(batch, rank(), world_size(), self.config.accumulate)
        ]
        return iter(self.task.load(shares, self.epoch))

    # -- state ---------------------------------------------------------------------------------------------------

    def _save(self, score: float | None) -> None:
        random_states = gather_objects(random_state())
        problem: CheckpointError | OSError | None = None
        if rank() == 0:
            try:
                self.checkpoints.save(self.step, self._state(random_states), score)
                self.task.export(self.folder / "model")
            except (CheckpointError, OSError) as error:
                problem = error
        # The others would wait for the first process forever if they did not hear of it.
        message = gather_objects(None if problem is None else str(problem))[0]
        if message is not None:
            raise problem or CheckpointError(message)

    def _state(self, random_states: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "networks": {
                name: {
                    "weights": part.module.state_dict(),
                    "average": part.average.state_dict(),
                    "optimizer": part.optimizer.state_dict(),
                }
                for name, part in self.task.networks.items()
            },
            "precision": self.fabric.strategy.precision.state_dict(),
            "epoch": self.epoch,
            "batches_done": self.batches_done,
            "audio_seconds": self.audio_seconds,
            "validation_due": self.validation_due,
            "random_states": random_states,
        }

    def _resume(self) -> list[str]:
        """Take up the last checkpoint, if there is one; what is worth a note about it."""
        state = self.checkpoints.load_latest()
        steps = gather_objects(0 if state is None else state["step"])
        if len(set(steps)) > 1:
            raise CheckpointError(
                f"the processes found checkpoints of different steps {steps}: is {self.folder} on a disk they share?"
            )
        if state is None:
            return []
        notes = check_same_run(state["settings"], self.settings, self.config.resume.allow, HARMLESS)
        for name, part in self.task.networks.items():
            saved = state["networks"][name]
            part.module.load_state_dict(saved["weights"])
            part.average.load_state_dict(saved["average"])
            part.optimizer.load_state_dict(saved["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.step, self.epoch, self.batches_done = state["step"], state["epoch"], state["batches_done"]
        self.audio_seconds, self.validation_due = state["audio_seconds"], state["validation_due"]
        if len(state["random_states"]) == world_size():
            set_random_state(state["random_states"][rank()])
        else:
            notes.append(f"saved by {len(state['random_states'])} processes, resumed by {world_size()}")
            warnings.warn(
                f"this run was {notes[-1]}: it goes on from the same weights and data position, but rounding differs "
                "and random numbers that do not belong to items start anew",
                stacklevel=2,
            )
        return notes
