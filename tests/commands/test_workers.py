import os
import time
from contextlib import closing
from pathlib import Path

import pytest
import torch

from audiovq.audio.io import AudioError
from audiovq.commands.inputs import Job
from audiovq.commands.workers import run


def task(job: Job) -> None:
    """Does to a job what the job's name says."""
    match job.source.name:
        case "bad audio":
            raise AudioError(f"{job.source} is truncated")
        case "bad elsewhere":
            raise AudioError("cannot write the output")
        case "full disk":
            raise OSError(28, "No space left on device")
        case "no memory":
            raise MemoryError
        case "bug":
            raise RuntimeError("shape\nmismatch")
        case "killed":
            os._exit(9)
        case "slow":
            partial = job.target.with_suffix(".part")
            partial.touch()
            try:
                time.sleep(3600)
            finally:
                partial.unlink()
        case "after slow":
            while not job.target.with_name("slow.part").exists():
                time.sleep(0.05)
    job.target.write_text(f"{torch.get_num_threads()} {os.getpid()}")


def jobs_named(folder: Path, *names: str) -> list[Job]:
    return [Job(Path(name), folder / "out" / name) for name in names]


def test_failures_are_one_line_each_and_the_others_are_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a", "bad audio", "bad elsewhere", "full disk", "no memory", "bug", "b"]
    assert list(run(task, jobs_named(tmp_path, *names), num_processes=1)) == [
        None,
        "bad audio is truncated",
        "bad elsewhere: cannot write the output",
        "full disk: No space left on device",
        "no memory: there is not enough memory for it",
        "bug: stopped by a mistake in audiovq, RuntimeError('shape\\nmismatch')",
        None,
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]
    assert capsys.readouterr().err.count("Traceback") == 1  # of the bug alone


def test_lines_hold_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    (line,) = run(task, [Job(Path("a\nb\x1b[2J\udcff"), tmp_path / "missing" / "\0")], num_processes=1)
    assert line is not None and line.isprintable()


def test_an_output_below_a_file_is_a_failure_like_another(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    (line,) = run(task, jobs_named(tmp_path, "a"), num_processes=1)
    assert line == f"a: {tmp_path / 'out'}: File exists"


def test_processes_share_threads_survive_one_another_and_leave_no_half_file(tmp_path: Path) -> None:
    names = ["slow", "killed", "bad audio", "a", "after slow"]
    threads = torch.get_num_threads()
    torch.set_num_threads(5)
    try:
        with closing(run(task, jobs_named(tmp_path, *names), num_processes=2)) as outcomes:
            assert [next(outcomes) for _ in range(4)] == [
                "killed: the process that worked on it ended with code 9",
                "bad audio is truncated",
                None,
                None,
            ]
    finally:
        torch.set_num_threads(threads)
    # Closing has ended the slow one before its time.
    written = list((tmp_path / "out").iterdir())
    assert sorted(path.name for path in written) == ["a", "after slow"]
    results = [path.read_text().split() for path in written]
    assert {num_threads for num_threads, _ in results} == {"2"}
    assert str(os.getpid()) not in {process for _, process in results}
