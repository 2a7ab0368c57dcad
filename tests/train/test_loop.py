"""The loop: a run that was stopped anywhere, or shared by several processes, is the run that would have been."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiovq.system.distributed import rank
from audiovq.train.checkpoint import checkpoints, load_checkpoint
from audiovq.train.config import RunConfig
from audiovq.train.identity import ChangedConfigError
from audiovq.train.preemption import EXIT_AGAIN
from audiovq.train.task import Validation
from audiovq.train.update import NotFiniteError, Updater
from tests.same import same
from tests.train import toy
from tests.train.processes import run_together
from tests.train.toy import Points, ToyTask


def last_state(folder: Path) -> dict[str, Any]:
    return load_checkpoint(checkpoints(folder / "checkpoints")[-1])


def losses(folder: Path) -> dict[int, float]:
    events = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return {event["step"]: event["loss"] for event in events if event["event"] == "train"}


def events(folder: Path) -> list[tuple[str, int]]:
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [(event["event"], event["step"]) for event in lines if event["event"] != "train"]


class Interrupted(ToyTask):
    """Does something in the middle of one step, the first time it is there."""

    at_step, action = 5, staticmethod(lambda: None)

    def losses(self, batch: Points) -> Mapping[str, Tensor]:
        if self.updates == self.at_step:
            type(self).at_step = -1
            self.action()
        return super().losses(batch)


def interrupted(step: int, action: Callable[[], None]) -> type[Interrupted]:
    return type("InterruptedOnce", (Interrupted,), {"at_step": step, "action": staticmethod(action)})


def crash() -> None:
    raise KeyboardInterrupt


def test_a_run_that_crashed_at_any_step_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    assert toy.run(tmp_path / "whole", dropout=0.3) == 0
    for step in (1, 5, 6, 9, 13, 19):
        folder = tmp_path / f"crashed{step}"
        with pytest.raises(KeyboardInterrupt):
            toy.run(folder, 0.3, interrupted(step, crash))
        torch.manual_seed(99)
        assert toy.run(folder, dropout=0.3) == 0
        assert same(last_state(tmp_path / "whole"), last_state(folder)), step
        assert losses(tmp_path / "whole") == losses(folder), step


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_finishes_the_step_saves_and_asks_to_be_called_again(tmp_path: Path, name: str) -> None:
    def send() -> None:
        os.kill(os.getpid(), getattr(signal, name))

    assert toy.run(tmp_path / "whole", dropout=0.3) == 0
    assert toy.run(tmp_path / "parts", 0.3, interrupted(9, send)) == EXIT_AGAIN == 75
    assert last_state(tmp_path / "parts")["step"] == 10
    assert events(tmp_path / "parts")[-1] == ("stop", 10)
    assert toy.run(tmp_path / "parts", dropout=0.3) == 0
    assert same(last_state(tmp_path / "whole"), last_state(tmp_path / "parts"))


class StoppedWhileValidating(ToyTask):
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        os.kill(os.getpid(), signal.SIGTERM)
        return super().validate(step, go_on)


@pytest.mark.parametrize("total_steps", [12, 20])
def test_a_validation_that_was_stopped_is_made_up_for(tmp_path: Path, total_steps: int) -> None:
    assert toy.run(tmp_path, task=StoppedWhileValidating, total_steps=total_steps) == EXIT_AGAIN
    assert [kind for kind, _ in events(tmp_path)] == ["begin", "stop"]
    assert toy.run(tmp_path, task=StoppedWhileValidating, total_steps=total_steps) == EXIT_AGAIN
    assert last_state(tmp_path)["step"] == 6
    assert toy.run(tmp_path, total_steps=total_steps) == 0
    valid_at = [step for kind, step in events(tmp_path) if kind == "valid"]
    assert valid_at == {12: [6, 12], 20: [6, 12, 18, 20]}[total_steps]


def test_a_stop_at_the_last_validation_is_no_end(tmp_path: Path) -> None:
    assert toy.run(tmp_path, task=StoppedWhileValidating, total_steps=5) == EXIT_AGAIN
    assert last_state(tmp_path)["step"] == 5
    assert toy.run(tmp_path, total_steps=5) == 0
    assert events(tmp_path)[-2:] == [("valid", 5), ("end", 5)]
    assert last_state(tmp_path)["score"] is not None


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    assert toy.run(tmp_path) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pt")}
    assert toy.run(tmp_path) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pt")} == before


def test_a_time_budget_stops_and_the_next_call_goes_on(tmp_path: Path) -> None:
    assert toy.run(tmp_path, time_budget_minutes=1e-9) == EXIT_AGAIN
    assert last_state(tmp_path)["step"] == 1
    assert (tmp_path / "model" / "model.pt").is_file()
    assert toy.run(tmp_path) == 0


def test_the_shortest_time_budget_gets_to_the_end(tmp_path: Path) -> None:
    toy.run(tmp_path / "whole", dropout=0.3)
    codes: list[int] = []
    while not codes or (codes[-1] == EXIT_AGAIN and len(codes) < 40):
        codes.append(toy.run(tmp_path / "parts", dropout=0.3, time_budget_minutes=1e-9))
    assert codes == [EXIT_AGAIN] * (len(codes) - 1) + [0]
    assert same(last_state(tmp_path / "whole"), last_state(tmp_path / "parts"))
    assert [step for kind, step in events(tmp_path / "parts") if kind == "valid"] == [6, 12, 18, 20]


def test_the_best_checkpoint_is_kept_beside_the_last_two(tmp_path: Path) -> None:
    class FallsThenRises(ToyTask):
        def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
            return Validation(abs(step - 6), {}, {}, {}, {}, 8000)

    toy.run(tmp_path, task=FallsThenRises)
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == [
        "step-00000006.pt",
        "step-00000018.pt",
        "step-00000020.pt",
    ]


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_a_run_without_changing_it(tmp_path: Path, world_size: int) -> None:
    """Eleven items in batches of four: some steps have a process with nothing to do."""
    toy.run(tmp_path / "one")
    run_together(world_size, toy.run, tmp_path / "several")
    one, several = losses(tmp_path / "one"), losses(tmp_path / "several")
    assert one.keys() == several.keys() and len(one) == 20
    assert list(several.values()) == pytest.approx(list(one.values()), rel=1e-5)
    torch.testing.assert_close(weights(tmp_path / "several"), weights(tmp_path / "one"))
    assert len(last_state(tmp_path / "several")["random_states"]) == world_size


def weights(folder: Path) -> dict[str, Tensor]:
    return last_state(folder)["networks"]["line"]["weights"]


@pytest.mark.parametrize("accumulate", [2, 6])
def test_micro_batches_add_up_to_the_batch(tmp_path: Path, accumulate: int) -> None:
    toy.run(tmp_path / "one")
    toy.run(tmp_path / "several", accumulate=accumulate)
    torch.testing.assert_close(weights(tmp_path / "several"), weights(tmp_path / "one"))


def test_processes_with_random_numbers_of_their_own_resume_exactly(tmp_path: Path) -> None:
    run_together(2, toy.run, tmp_path / "whole", 0.3)
    run_together(2, stopped_on_one_process, tmp_path / "parts")
    assert last_state(tmp_path / "parts")["step"] < 20
    run_together(2, toy.run, tmp_path / "parts", 0.3)
    assert same(last_state(tmp_path / "whole"), last_state(tmp_path / "parts"))


def stopped_on_one_process(folder: Path) -> None:
    """Only the second process gets the signal; both stop at one step."""

    def send() -> None:
        if rank() == 1:
            os.kill(os.getpid(), signal.SIGUSR1)

    assert toy.run(folder, 0.3, interrupted(7, send)) == EXIT_AGAIN


def test_another_number_of_processes_may_go_on_with_a_warning(tmp_path: Path) -> None:
    toy.run(tmp_path / "one")
    run_together(2, toy.run, tmp_path / "both", 0.0, interrupted_by_term)
    with pytest.warns(UserWarning, match="saved by 2 processes, resumed by 1"):
        assert toy.run(tmp_path / "both") == 0
    torch.testing.assert_close(weights(tmp_path / "both"), weights(tmp_path / "one"))


def interrupted_by_term(config: RunConfig, dropout: float) -> ToyTask:
    return interrupted(9, lambda: os.kill(os.getpid(), signal.SIGTERM))(config, dropout)


def test_a_changed_setting_is_refused_unless_allowed(tmp_path: Path) -> None:
    toy.run(tmp_path, time_budget_minutes=1e-9)
    with pytest.raises(ChangedConfigError, match=r"total_steps: 20 -> 30\n.*\n  'resume.allow=\[total_steps\]'"):
        toy.run(tmp_path, total_steps=30)
    assert toy.run(tmp_path, total_steps=30, allow=["total_steps"]) == 0
    assert last_state(tmp_path)["step"] == 30


def test_looking_for_enough_memory_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.run(tmp_path / "with", dropout=0.3)
    monkeypatch.setattr(Updater, "rehearse", lambda self, shares: None)
    toy.run(tmp_path / "without", dropout=0.3)
    assert same(last_state(tmp_path / "with"), last_state(tmp_path / "without"))


def test_too_little_memory_says_what_to_lower(tmp_path: Path) -> None:
    class Greedy(ToyTask):
        def losses(self, batch: Points) -> Mapping[str, Tensor]:
            assert len(batch.x) == toy.BATCH  # the largest batch comes first
            raise torch.OutOfMemoryError("tried to allocate 3 GiB")

    with pytest.raises(MemoryError, match="make accumulate larger"):
        toy.run(tmp_path, task=Greedy)


class Broken(ToyTask):
    """From the tenth update on a term, or only the gradient, is no number."""

    what = "term"

    def losses(self, batch: Points) -> Mapping[str, Tensor]:
        terms = dict(super().losses(batch))
        if self.updates >= 9:
            total = torch.stack([weight.sum() for weight in self.model.parameters()]).sum()
            terms["size"] = terms["size"] + (total - total.detach()).clamp(min=0).sqrt()  # 0, and steep
            if self.what == "term":
                terms["size"] = terms["size"] + float("nan")
        return terms


@pytest.mark.parametrize("what, message", [("term", "loss term size is nan"), ("gradient", "gradient norm of line")])
def test_what_is_no_number_is_named_and_changes_nothing(tmp_path: Path, what: str, message: str) -> None:
    with pytest.raises(NotFiniteError, match=f"step 9: the {message}.*last good state is .*step-00000008.pt"):
        toy.run(tmp_path, task=type("BrokenHere", (Broken,), {"what": what}))
    assert last_state(tmp_path)["step"] == 8
    toy.run(tmp_path / "whole")
    assert toy.run(tmp_path) == 0
    assert same(last_state(tmp_path), last_state(tmp_path / "whole"))


def test_a_network_without_gradients_stays_as_it_is(tmp_path: Path) -> None:
    run_together(2, toy.run, tmp_path)
    fresh = ToyTask(toy.config(tmp_path)).frozen.state_dict()
    assert same(dict(fresh), dict(last_state(tmp_path)["networks"]["unused"]["weights"]))
