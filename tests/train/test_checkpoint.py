"""The checkpoints of a run: which are kept, and that no crash, full or rotten disk loses the training."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from audiovq.train.checkpoint import CheckpointError, CheckpointFolder, checkpoints, load_checkpoint
from tests.full_disk import full_disk


def state(step: int, size: int = 10) -> dict[str, Any]:
    return {"weights": torch.full((size,), float(step))}


def steps(folder: Path) -> list[int]:
    return [load_checkpoint(path)["step"] for path in checkpoints(folder)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path / "new")
    assert run.latest() is None and run.load_latest() is None


def test_the_newest_is_loaded(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path / "new")
    for step in (9, 10, 99_999_999, 100_000_000):
        path = run.save(step, state(step))
        assert run.latest() == path
        found = CheckpointFolder(tmp_path / "new").load_latest()
        assert found is not None
        assert found["step"] == step and torch.equal(found["weights"], torch.full((10,), float(step)))


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    for step in (2, 4, 6, 8):
        run.save(step, state(step))
    assert names(tmp_path) == ["step-00000006.pt", "step-00000008.pt"]


def test_the_best_are_kept_beside_the_last_two_by_every_run_that_goes_on(tmp_path: Path) -> None:
    scores = {1: 0.9, 2: 0.3, 3: 0.5, 4: float("nan"), 5: 0.4, 6: None, 7: 0.8, 8: 0.7, 9: float("-inf"), 10: 2.0}
    for step, score in scores.items():
        CheckpointFolder(tmp_path, keep_best=2).save(step, state(step), score)
    assert steps(tmp_path) == [2, 5, 9, 10]
    table = json.loads((tmp_path / "scores.json").read_text())
    assert table == {"metric": "mel_l1_nats", "scores": {"2": 0.3, "5": 0.4, "10": 2.0}}
    assert CheckpointFolder(tmp_path).best() == tmp_path / "step-00000002.pt"


def test_a_step_may_be_saved_again_with_another_score(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path, keep_best=1)
    run.save(1, state(1), 0.1)
    run.save(1, state(7), 0.9)
    for step in (2, 3, 4):
        run.save(step, state(step), 0.5)
    assert steps(tmp_path) == [2, 3, 4]
    run.save(3, state(3))
    assert json.loads((tmp_path / "scores.json").read_text())["scores"] == {"2": 0.5, "4": 0.5}


def test_scores_of_another_metric_are_not_compared(tmp_path: Path) -> None:
    path = CheckpointFolder(tmp_path, keep_best=1).save(1, state(1), 0.1)
    with pytest.raises(CheckpointError, match=r"scores\.json holds scores of mel_l1_nats, this run scores accuracy"):
        CheckpointFolder(tmp_path, keep_best=1, metric="accuracy")
    path.unlink()
    CheckpointFolder(tmp_path, keep_best=1, metric="accuracy").save(2, state(2), 0.5)
    assert json.loads((tmp_path / "scores.json").read_text()) == {"metric": "accuracy", "scores": {"2": 0.5}}


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    others = ["notes.txt", "step-.pt", "step-00000001.pt.copy", "step-best.pt"]
    for name in others:
        (tmp_path / name).touch()
    run = CheckpointFolder(tmp_path)
    for step in (1, 2, 3):
        run.save(step, state(step))
    assert names(tmp_path) == sorted([*others, "step-00000002.pt", "step-00000003.pt"])


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it_loudly(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(1, state(1))
    damage(run.save(2, state(2)))
    with pytest.warns(UserWarning, match=r"step-00000002\.pt: damaged.*; taking the checkpoint before it"):
        found = CheckpointFolder(tmp_path).load_latest()
    assert found is not None and found["step"] == 1


def test_when_all_are_damaged_the_training_does_not_start_over_silently(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    damage(run.save(1, state(1)))
    damage(run.save(2, state(2)))
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(CheckpointError, match=r"00002\.pt: damaged.*00001\.pt: damaged.*to start from the beginning"),
    ):
        run.load_latest()


def test_a_checkpoint_of_another_version_is_not_passed_over(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(1, state(1))
    torch.save({"format_version": 1, "step": 2}, tmp_path / "step-00000002.pt")
    with pytest.raises(CheckpointError, match="format version 1, this audiovq reads 2"):
        run.load_latest()


def test_a_damaged_checkpoint_does_not_count_as_one_of_the_last_two(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(1, state(1))
    damage(run.save(2, state(2)))
    with pytest.warns(UserWarning, match="damaged"):
        run.load_latest()
    run.save(3, state(3))
    assert steps(tmp_path) == [1, 3]


def test_a_run_that_went_back_keeps_what_it_writes_and_overwrites_the_damaged_one(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(10, state(10))
    damage(run.save(20, state(20)))
    with pytest.warns(UserWarning, match="damaged"):
        run.load_latest()
    run.save(13, state(13))
    run.save(16, state(16))
    assert names(tmp_path) == ["step-00000013.pt", "step-00000016.pt", "step-00000020.pt"]
    run.save(20, state(20))
    assert steps(tmp_path) == [16, 20]


def test_damaged_scores_are_read_again_from_the_checkpoints(tmp_path: Path) -> None:
    run = CheckpointFolder(tmp_path, keep_best=1)
    for step, score in ((1, 0.1), (2, 0.5), (3, 0.6)):
        run.save(step, state(step), score)
    damage(tmp_path / "step-00000002.pt")
    (tmp_path / "scores.json").write_bytes(b'{"metric": "mel')
    with (
        pytest.warns(UserWarning, match=r"scores\.json: damaged"),
        pytest.warns(UserWarning, match=r"step-00000002\.pt: damaged.*; it has no score"),
    ):
        run = CheckpointFolder(tmp_path, keep_best=1)
    run.save(4, state(4), 0.7)
    assert steps(tmp_path) == [1, 3, 4]
    assert json.loads((tmp_path / "scores.json").read_text())["scores"] == {"1": 0.1, "3": 0.6, "4": 0.7}


@pytest.mark.parametrize("room", [0, 100, 20_000, 40_000, -1])  # in bytes; -1: all but the last byte
def test_a_full_disk_leaves_the_last_checkpoints_and_says_what_to_do(tmp_path: Path, room: int) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(1, state(1, 10_000))
    size = run.save(2, state(2, 10_000)).stat().st_size
    with full_disk(room if room >= 0 else size - 1), pytest.raises(CheckpointError) as caught:
        run.save(3, state(3, 10_000))
    assert str(caught.value) == (
        f"cannot write {tmp_path}/step-00000003.pt: File too large; step-00000002.pt is whole, and the run goes on "
        "from it: free space there and start the same command again"
    )
    assert names(tmp_path) == ["step-00000001.pt", "step-00000002.pt"]
    assert steps(tmp_path) == [1, 2]
    run.save(3, state(3, 10_000))
    assert steps(tmp_path) == [2, 3]


def test_a_first_checkpoint_that_cannot_be_written_says_that_there_is_none(tmp_path: Path) -> None:
    with full_disk(100), pytest.raises(CheckpointError, match="there is no earlier one: free space there and start"):
        CheckpointFolder(tmp_path).save(1, state(1))
    assert not names(tmp_path)


@pytest.mark.parametrize(
    "code, remedy",
    [(errno.ENOSPC, "free space there"), (errno.EDQUOT, "free space there"), (errno.EIO, "put that right")],
)
def test_a_disk_that_refuses_at_the_last_moment_is_no_other_error(
    tmp_path: Path, code: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CheckpointFolder(tmp_path)
    run.save(1, state(1))
    damage(run.save(2, state(2)))
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(code, os.strerror(code))))
    expected = f"{os.strerror(code)}; step-00000001.pt is whole, and the run goes on from it: {remedy} and start"
    with pytest.raises(CheckpointError, match=expected):
        run.save(3, state(3))
    assert names(tmp_path) == ["step-00000001.pt", "step-00000002.pt"]


def test_scores_that_cannot_be_written_cost_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CheckpointFolder(tmp_path, keep_best=1)
    run.save(1, state(1), 0.1)
    run.save(2, state(2), 0.5)
    error = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr("audiovq.train.checkpoint.write_atomically", Mock(side_effect=error))
        with pytest.raises(
            CheckpointError, match=r"cannot write .*scores\.json: No space.*; step-00000003\.pt is whole"
        ):
            run.save(3, state(3), 0.01)
    again = CheckpointFolder(tmp_path, keep_best=1)
    again.load_latest()
    for step in (4, 5):
        again.save(step, state(step), 0.7)
    assert steps(tmp_path) == [3, 4, 5]


def test_an_old_checkpoint_that_cannot_be_deleted_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CheckpointFolder(tmp_path)
    for step in (1, 2):
        run.save(step, state(step))
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "step-00000001.pt":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.warns(UserWarning, match=r"00001\.pt: cannot be deleted: Operation not permitted"):
        run.save(3, state(3))
    assert steps(tmp_path) == [1, 2, 3]


KILLED_AT_EVERY_CALL = '''
import os, shutil, signal, sys, warnings
from pathlib import Path
import torch
from audiovq.train.checkpoint import CheckpointFolder, checkpoints, load_checkpoint

def save(run, step, score):
    run.save(step, {"weights": torch.full((30_000,), float(step))}, score)

def is_killed(run, at):
    """Save step 4 in a process that is killed just before a call into the system; whether it lived to make it."""
    child = os.fork()
    if child == 0:
        calls = 0
        def watch(frame, event, function):
            nonlocal calls
            if event == "c_call" and (function.__module__ or type(function.__self__).__module__) in ("posix", "_io"):
                calls += 1
                if calls == at:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(watch)
        save(run, 4, 0.05)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

os.fsync = os.fstat  # a call into the system, too; the disk's own time matters to a power failure only
warnings.simplefilter("error", UserWarning)
begun = Path(sys.argv[1]) / "begun"
run = CheckpointFolder(begun, keep_best=1)
for step, score in ((1, 0.1), (2, 0.5), (3, 0.6)):
    save(run, step, score)
at = 0
outcomes = []
while not outcomes or killed:
    at += 1
    folder = begun.with_name(str(at))
    shutil.copytree(begun, folder)
    killed = is_killed(CheckpointFolder(folder, keep_best=1), at)
    run = CheckpointFolder(folder, keep_best=1)
    found = run.load_latest()
    assert found["step"] in (3, 4) and found["weights"].eq(found["step"]).all() and len(found["weights"]) == 30_000
    outcomes.append(found["step"])
    for step in (5, 6):
        save(run, step, 0.7)
    best = 4 if found["step"] == 4 else 1
    assert sorted(os.listdir(folder)) == ["scores.json", *(f"step-{step:08d}.pt" for step in (best, 5, 6))], at
    assert [load_checkpoint(path)["step"] for path in checkpoints(folder)] == [best, 5, 6]
print(outcomes.count(3), outcomes.count(4))
'''


def test_a_run_killed_before_any_call_into_the_system_loses_no_more_than_the_checkpoint_in_work(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_AT_EVERY_CALL, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    before, after = map(int, result.stdout.split())
    assert before > 10 and after > 5, (before, after)
