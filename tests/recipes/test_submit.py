"""Jobs of a recipe that counts, run by submitit's local executor and by stand-ins for Slurm's commands."""

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiovq.train.preemption import EXIT_AGAIN
from recipes import submit

DEADLINE_SECONDS = 120

# Every task counts to `total` in a file of its own and notes each start. A run that is told to stop tells the other
# tasks, as a training does. The first run counts to `wait_at` and waits there for that; `most` is the budget of a run.
COUNTER = """
import os, signal, sys, time
from pathlib import Path

settings = {"total": "9", "wait_at": "-1", "most": "99", "on_stop": "75"} | dict(a.split("=") for a in sys.argv[1:])
folder, rank = Path(settings["output_dir"]), os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))
told_all = folder / "stop"
told = []
for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda number, frame: told.append(number))

def main():
    saved, starts = folder / f"count{rank}", folder / f"starts{rank}"
    count = int(saved.read_text()) if saved.exists() else 0
    goes_on = starts.exists()
    with starts.open("a") as file:
        file.write(f"{os.getppid()} {os.environ.get('WORLD_SIZE', '1')}\\n")
    first = count
    while count < int(settings["total"]):
        if told and not told_all.exists():
            told_all.touch()
        waits = not goes_on and count == int(settings["wait_at"])
        if waits and told_all.exists() or count - first == int(settings["most"]):
            saved.write_text(str(count))
            print(f"saved {count}")
            sys.exit(int(settings["on_stop"]))
        count += not waits
        time.sleep(0.01)
    saved.write_text(str(count))
    print("counted")

if __name__ == "__main__":
    main()
"""


class Jobs:
    """A checkout whose only recipe is train_counter, and the jobs that were sent from it."""

    def __init__(self, folder: Path) -> None:
        (folder / "recipes").mkdir()
        (folder / "recipes/__init__.py").touch()
        (folder / "recipes/train_counter.py").write_text(COUNTER)
        shutil.copy(submit.__file__, folder / "recipes")
        self.folder, self.out = folder, folder / "out"
        self.id, self.is_here = "", False  # here, a job's id is that of the process that controls it
        self.environment = dict(os.environ)
        self.out.mkdir()

    def submit(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "recipes.submit", "train_counter", "--log-dir", "jobs", *arguments]
        # Not a pipe: what runs on in the background keeps it open.
        with open(self.folder / "told", "w+") as told:
            subprocess.run(command, cwd=self.folder, env=self.environment, stdout=told, check=True)
            told.seek(0)
            line = told.read()
        self.id = line.split(":")[0].removeprefix("job ")
        return line

    def submit_here(self, *settings: str, tasks: int = 0) -> str:
        line = self.submit("--cluster", "local", "--gpus", str(tasks), "--", f"output_dir={self.out}", *settings)
        self.is_here = True
        return line

    def starts(self, rank: int = 0) -> list[list[int]]:
        """The process that each start of the recipe had as its parent, and the number of tasks."""
        path = self.out / f"starts{rank}"
        return [[int(word) for word in line.split()] for line in path.read_text().splitlines()] if path.exists() else []

    def count(self, rank: int = 0) -> str:
        return (self.out / f"count{rank}").read_text()

    def result(self, rank: int = 0) -> tuple[str, str | None]:
        """Waits for it: ("success", None), or "error" and what went wrong."""
        path = self.folder / f"jobs/{self.id}/{self.id}_{rank}_result.pkl"
        wait_for(path.exists)
        return pickle.loads(path.read_bytes())

    def output(self, rank: int = 0) -> str:
        return (self.folder / f"jobs/{self.id}/{self.id}_{rank}_log.out").read_text()

    def has_ended(self) -> bool:
        state = subprocess.run(["ps", "-o", "stat=", "-p", self.id], capture_output=True, text=True, check=False).stdout
        return not state or state.startswith("Z")

    def signal_task(self, number: signal.Signals) -> None:
        """To what runs the recipe in the first task, once the recipe counts."""
        wait_for(self.starts)
        os.kill(self.starts()[0][0], number)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path)
    yield jobs
    if jobs.is_here and not jobs.has_ended():
        os.kill(int(jobs.id), signal.SIGTERM)


@pytest.fixture
def slurm(jobs: Jobs, tmp_path: Path) -> Jobs:
    """Commands named as Slurm's: one that takes a job, one that runs a task of it here, one that notes its calls."""
    scripts = {
        "sbatch": "echo Submitted batch job 7",
        "srun": """while [ "${1#--}" != "$1" ]; do if [ "$1" = --output ]; then out=$2; shift; fi; shift; done
            out=${out//%j/7}; out=${out//%A/7}; out=${out//%a/${SLURM_ARRAY_TASK_ID-}}
            exec "$@" >>"${out//%t/0}" 2>&1""",
        "scontrol": f'echo "$*" >>{tmp_path}/calls',
    }
    (tmp_path / "bin").mkdir()
    for name, script in scripts.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    jobs.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    jobs.environment |= {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    return jobs


def run_batch_script(jobs: Jobs) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["bash", f"jobs/{jobs.id}/{jobs.id}_submission.sh"], cwd=jobs.folder, env=jobs.environment)


def test_the_exit_code_of_a_stopped_training_is_known() -> None:
    assert submit.EXIT_AGAIN == EXIT_AGAIN


def test_a_preempted_job_saves_and_goes_on(jobs: Jobs) -> None:
    jobs.submit_here("wait_at=4")
    jobs.signal_task(signal.SIGUSR2)
    assert jobs.result() == ("success", None)
    assert (jobs.count(), len(jobs.starts())) == ("9", 2)
    assert "saved 4" in jobs.output()


def test_a_recipe_whose_own_budget_is_over_is_queued_again(jobs: Jobs) -> None:
    jobs.submit_here("most=4")
    assert jobs.result() == ("success", None)
    assert (jobs.count(), len(jobs.starts())) == ("9", 3)


def test_all_tasks_go_on_when_the_first_is_signalled(jobs: Jobs) -> None:
    jobs.submit_here("wait_at=4", tasks=2)
    wait_for(lambda: jobs.starts(0) and jobs.starts(1))
    jobs.signal_task(signal.SIGUSR2)
    for rank in range(2):
        assert jobs.result(rank) == ("success", None)
        assert jobs.count(rank) == "9"
        assert [num_tasks for _, num_tasks in jobs.starts(rank)] == [2, 2]


def test_a_recipe_that_fails_fails_the_job_with_its_last_lines(jobs: Jobs) -> None:
    jobs.submit_here("most=4", "on_stop=3")
    kind, message = jobs.result()
    assert kind == "error" and message is not None
    assert f"train_counter failed with exit code 3; the end of {jobs.folder}/jobs/{jobs.id}/" in message
    assert message.rstrip().endswith("saved 4")
    assert len(jobs.starts()) == 1


def test_a_recipe_that_fails_to_save_is_not_queued_again(jobs: Jobs) -> None:
    jobs.submit_here("wait_at=4", "on_stop=1")
    jobs.signal_task(signal.SIGUSR2)
    kind, message = jobs.result()
    assert kind == "error" and message is not None
    assert "failed with exit code 1" in message
    assert len(jobs.starts()) == 1


def test_a_job_that_is_ended_saves_and_does_not_return(jobs: Jobs) -> None:
    told = jobs.submit_here("wait_at=4")
    assert f"kill {jobs.id} ends it" in told
    wait_for(jobs.starts)
    os.kill(int(jobs.id), signal.SIGTERM)
    wait_for(jobs.has_ended)
    assert (jobs.count(), len(jobs.starts())) == ("4", 1)


@pytest.mark.parametrize(
    "number, calls", [(signal.SIGUSR2, "requeue 7\n"), (signal.SIGTERM, "")], ids=["limit", "cancelled"]
)
def test_slurm_is_asked_to_queue_a_job_again(number: signal.Signals, calls: str, slurm: Jobs) -> None:
    assert "scancel 7 ends it" in slurm.submit("--", f"output_dir={slurm.out}", "wait_at=4")
    script = run_batch_script(slurm)
    slurm.signal_task(number)
    script.wait()
    noted = slurm.folder / "calls"
    assert (noted.read_text() if noted.exists() else "", slurm.count()) == (calls, "4")
    assert run_batch_script(slurm).wait() == 0
    assert slurm.count() == "9"
    assert slurm.result() == ("success", None)


def test_slurm_gets_what_was_asked_for(slurm: Jobs) -> None:
    options = "--nodes 2 --gpus 4 --hours 1.5 --partition long --account me --cpus-per-task 6 --memory-gb 32"
    slurm.submit(*options.split(), "--signal-minutes", "2", "--", "total=1")
    script = (slurm.folder / "jobs/7/7_submission.sh").read_text().splitlines()
    directives = {line.removeprefix("#SBATCH --") for line in script if line.startswith("#SBATCH")}
    wanted = (
        "nodes=2 ntasks-per-node=4 gpus-per-node=4 time=90 partition=long account=me cpus-per-task=6 mem=32GB "
        "job-name=train_counter signal=USR2@120 open-mode=append requeue"
    )
    assert set(wanted.split()) <= directives
    (srun,) = [line for line in script if line.startswith("srun")]
    assert " --cpus-per-task=6 --kill-on-bad-exit=0 --wait=60 " in srun


def test_debug_runs_here_and_hands_on_that_more_is_to_do(jobs: Jobs) -> None:
    command = [sys.executable, "-m", "recipes.submit", "train_counter", "--cluster", "debug", "--log-dir", "jobs"]
    settings = [f"output_dir={jobs.out}", "most=5"]
    results = [subprocess.run([*command, "--", *settings], cwd=jobs.folder, check=False) for _ in range(2)]
    assert [result.returncode for result in results] == [EXIT_AGAIN, 0]
    assert jobs.count() == "9"


def test_an_array_gives_each_of_its_jobs_a_shard(slurm: Jobs) -> None:
    recipes = slurm.folder / "recipes"
    shards = ", ".join(f"os.environ['SLURM_ARRAY_TASK_{name}']" for name in ("ID", "COUNT"))
    text = f'import os\n\nif __name__ == "__main__":\n    print({shards})\n'
    (recipes / "extract_codes.py").write_text(text)
    command = [sys.executable, "-m", "recipes.submit", "extract_codes", "--log-dir", "jobs", "--array", "3"]
    told = subprocess.run(command, cwd=slurm.folder, env=slurm.environment, capture_output=True, text=True, check=True)
    slurm.id = "7"
    assert told.stdout.startswith("job 7_0: its output goes to ")
    script = next(slurm.folder.glob("jobs/**/*submission*.sh"))
    assert "#SBATCH --array=0-2%3" in script.read_text()
    for task in ("0", "2"):
        array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "3"}
        subprocess.run(["bash", str(script)], cwd=slurm.folder, env={**slurm.environment, **array}, check=True)
        results = slurm.folder.glob(f"jobs/**/7_{task}_0_result.pkl")
        assert [pickle.loads(path.read_bytes())[0] for path in results] == ["success"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["train_tokeniser"], "choose from .*evaluate.*train_tokenizer"),
        (["train_tokenizer", "output_dir=x"], r"output_dir=x \(settings of the recipe go after --\)"),
        (["train_tokenizer", "--hours", "0.05"], "--signal-minutes is 3, expected less than the 0.05 hours"),
        (["train_tokenizer", "--gpus", "-1"], "--nodes is 1 and --gpus -1, expected at least 1 and 0"),
        (["train_tokenizer", "--array", "4"], "--array 4: expected 1, or more for extract_codes with --cluster slurm"),
        (["prepare", "--gpus", "4"], "prepare does not share its work: give it --nodes 1 and --gpus 1 or 0"),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        submit.main(arguments)
    assert re.search(message, capsys.readouterr().err)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["train_tokenizer", "--log-dir", str(tmp_path)]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match='submit: Could not detect "srun", are you indeed on a slurm cluster'):
        submit.main(arguments)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(SystemExit, match=r"submit: .*submitit.* the extra 'cluster', pip install .* '\.\[cluster\]'"):
        submit.main(arguments)


def test_recipes_are_what_can_be_run(jobs: Jobs) -> None:
    (jobs.folder / "recipes/schema.py").touch()
    for name in ("package", "clips"):
        (jobs.folder / "recipes" / name).mkdir()
    (jobs.folder / "recipes/package/__main__.py").touch()
    result = subprocess.run(
        [sys.executable, "-m", "recipes.submit", "?"], cwd=jobs.folder, capture_output=True, text=True, check=False
    )
    assert re.search(r"choose from '?package'?, '?train_counter'?\)", result.stderr)
