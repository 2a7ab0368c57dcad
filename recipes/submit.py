"""Send a recipe to a Slurm cluster: one task per GPU; a job that meets its limit or is preempted goes on by itself.

    python -m recipes.submit train_tokenizer --gpus 4 --hours 24 -- experiment=mini_codec1_mel output_dir=exp/my_run
    python -m recipes.submit train_tokenizer --nodes 2 --gpus 8 --partition long --account me -- experiment=...
    python -m recipes.submit extract_codes --array 64 --gpus 1 -- data=data/train output_dir=tokens/train device=cuda
    python -m recipes.submit train_tokenizer --gpus 0 --cluster local -- experiment=... device=cpu

What follows -- are the recipe's own settings. Run it in the checkout, on a disk that all nodes see. A recipe that exits
with 75 (stopped, the same command goes on) is queued again under the same job id; any other code but 0 fails the job.
Where there is no Slurm, --cluster local runs the job in the background of this machine, where it is started at most
six times, and --cluster debug runs it in this terminal, once.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from audiovq.train.preemption import EXIT_AGAIN

if TYPE_CHECKING:
    import submitit
    from submitit.helpers import DelayedSubmission

STOPPED = (EXIT_AGAIN, -signal.SIGTERM)  # by its death a recipe that has nothing to save yet, or never anything
MAX_TIMEOUTS = 10_000  # submitit gives up after three by default; every one of them has brought the training further
SHOWN_LINES = 20  # of the output of a recipe that failed


class RecipeJob:
    """What submitit pickles and calls in every task of a job: runs a recipe as a child process.

    In the first task submitit answers its signal by calling ``checkpoint`` in the handler, while ``__call__`` waits for
    the child; then it queues the job again with what that returned. The first task's child tells those of the others.
    """

    def __init__(self, recipe: str, overrides: Sequence[str]) -> None:
        self.recipe, self.overrides = recipe, list(overrides)
        self._child: subprocess.Popen[bytes] | None = None
        self._exit_code: int | None = None
        self._must_end = False

    def __call__(self) -> None:
        """Run the recipe to its end, or leave the process when it was stopped before.

        Raises: RuntimeError with the end of its output when it failed.
        """
        from submitit import JobEnvironment

        job = JobEnvironment()
        # submitit ignores SIGTERM, after which Slurm kills. Whether such a job returns is for Slurm to say: a preempted
        # one does, a cancelled one does not.
        signal.signal(signal.SIGTERM, self._end)
        # In a terminal Ctrl-C reaches the child by itself.
        signal.signal(signal.SIGINT, self._end if job.cluster != "debug" else lambda number, frame: None)
        if job.cluster == "local" and job.num_tasks > 1:
            tell_ranks_as_torchrun(job.job_id)
        self._child = subprocess.Popen([sys.executable, "-u", "-m", f"recipes.{self.recipe}", *self.overrides])
        exit_code = self._wait(self._child)
        self._child.wait()
        if exit_code not in STOPPED:
            self._check(exit_code)
        elif self._must_end or job.cluster == "debug":
            sys.exit(EXIT_AGAIN)
        elif job.global_rank:
            # No failure, and no result either: the first task queues the job again.
            sys.exit(0)
        else:
            signal.raise_signal(getattr(signal, f"SIG{job.USR_SIG}"))

    def checkpoint(self) -> DelayedSubmission:
        """Stop the child; returns what goes on with it. Raises: RuntimeError when it failed instead of stopping."""
        from submitit.helpers import DelayedSubmission

        if self._child is not None:
            self._terminate(self._child)
            exit_code = self._wait(self._child)
            if exit_code not in STOPPED:  # one that was done just then finds that out when it is called again
                self._check(exit_code)
        return DelayedSubmission(RecipeJob(self.recipe, self.overrides))

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._must_end = True
        if self._child is None:
            sys.exit(EXIT_AGAIN)
        self._terminate(self._child)

    def _terminate(self, child: subprocess.Popen[bytes]) -> None:
        if self._exit_code is None:
            os.kill(child.pid, signal.SIGTERM)

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        """The child's exit code; as in subprocess, minus the signal that killed it.

        Popen.wait() holds a lock: the handler of a signal that comes meanwhile would wait for it forever.
        """
        if self._exit_code is None:
            end = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert end is not None
            self._exit_code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        return self._exit_code

    def _check(self, exit_code: int) -> None:
        from submitit import JobEnvironment

        if exit_code == 0:
            return
        how = f"failed with exit code {exit_code}" if exit_code > 0 else f"died of {signal.Signals(-exit_code).name}"
        job = JobEnvironment()
        if job.cluster == "debug":
            raise RuntimeError(f"recipes.{self.recipe} {how}")
        with job.paths.stdout.open(errors="replace") as log:
            lines = "".join(deque(log, maxlen=SHOWN_LINES))
        raise RuntimeError(f"recipes.{self.recipe} {how}; the end of {job.paths.stdout}:\n{lines}")


def tell_ranks_as_torchrun(run_id: str) -> None:
    """Set for the child what torchrun would: tasks of a local job have no Slurm that tells them their ranks."""
    from submitit.helpers import TorchDistributedEnvironment

    environment = TorchDistributedEnvironment()
    environment.master_addr = "127.0.0.1"
    environment.export(set_cuda_visible_devices=False, overwrite=True)
    os.environ["TORCHELASTIC_RUN_ID"] = run_id


def recipe_names() -> list[str]:
    """The modules beside this one that can be run, and the packages."""
    folder, runs = Path(__file__).parent, 'if __name__ == "__main__":'
    modules = {path.stem for path in folder.glob("*.py") if runs in path.read_text(encoding="utf-8")}
    packages = {path.parent.name for path in folder.glob("*/__main__.py")}
    return sorted(modules - {Path(__file__).stem} | packages)


def submit(options: argparse.Namespace, overrides: Sequence[str]) -> submitit.Job[None]:
    """Queue the job, or an array of them; returns the first.

    Raises: RuntimeError, ValueError, OSError from submitit, with what Slurm says.
    """
    import submitit

    executor = submitit.AutoExecutor(
        folder=options.log_dir / "%j",
        cluster=options.cluster,
        slurm_max_num_timeout=MAX_TIMEOUTS,
        local_max_num_timeout=MAX_TIMEOUTS,
    )
    executor.update_parameters(
        name=options.recipe,
        nodes=options.nodes,
        tasks_per_node=max(1, options.gpus),
        gpus_per_node=options.gpus or None,
        cpus_per_task=options.cpus_per_task,
        mem_gb=options.memory_gb,
        timeout_min=math.ceil(options.hours * 60),
        stderr_to_stdout=True,
        slurm_partition=options.partition,
        slurm_array_parallelism=options.array,  # of an array; Slurm may still run fewer at a time
        slurm_account=options.account,
        slurm_signal_delay_s=round(options.signal_minutes * 60),
        slurm_additional_parameters={"requeue": True},
        # srun does not inherit --cpus-per-task. A task that fails leaves the others waiting for it: they end a minute
        # after it, and not at once, or the first one could not queue the job again.
        slurm_srun_args=[f"--cpus-per-task={options.cpus_per_task}", "--kill-on-bad-exit=0", "--wait=60"],
    )
    if options.array == 1:
        return executor.submit(RecipeJob(options.recipe, overrides))
    with executor.batch():
        jobs = [executor.submit(RecipeJob(options.recipe, overrides)) for _ in range(options.array)]
    return jobs[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and submit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    options = parse(given[:split])
    try:
        job = submit(options, given[split + 1 :])
        if options.cluster == "debug":
            job.result()
            return
    except ModuleNotFoundError as error:
        _fail(f"{error}: submitit comes with the extra 'cluster', pip install -c constraints.txt -e '.[cluster]'")
    except (RuntimeError, ValueError, OSError) as error:
        _fail(str(error))
    stop = f"scancel {job.job_id}" if options.cluster == "slurm" else f"kill {job.job_id}"
    print(f"job {job.job_id}: its output goes to {job.task(0).paths.stdout}; {stop} ends it")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read what stands before --."""
    title, _, text = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m recipes.submit",
        usage="%(prog)s RECIPE [OPTIONS] -- [SETTINGS OF THE RECIPE]",
        description=title,
        epilog=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = recipe_names()
    add = parser.add_argument
    add("recipe", choices=names, metavar="RECIPE", help=f"one of {', '.join(names)}")
    add("--nodes", type=int, default=1, help="(default: %(default)s)")
    add("--gpus", type=int, default=1, help="of each node, with a task for each; 0: one task (default: %(default)s)")
    add(
        "--array",
        type=int,
        default=1,
        help="jobs of a Slurm array, each with its shard (default: %(default)s)",
    )
    add("--hours", type=float, default=4.0, help="time limit; then the job is queued again (default: %(default)s)")
    add("--partition")
    add("--account")
    add("--cpus-per-task", type=int, default=8, help="(default: %(default)s)")
    add("--memory-gb", type=float, default=64.0, help="of each node (default: %(default)s)")
    add("--log-dir", type=Path, default=Path("exp/slurm"), help="for output and state of jobs (default: %(default)s)")
    add("--signal-minutes", type=float, default=3.0, help="time to save before the limit (default: %(default)s)")
    add("--cluster", choices=("slurm", "local", "debug"), default="slurm", help="(default: %(default)s)")
    options, rest = parser.parse_known_args(arguments)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)} (settings of the recipe go after --)")
    if options.nodes < 1 or options.gpus < 0:
        parser.error(f"--nodes is {options.nodes} and --gpus {options.gpus}, expected at least 1 and 0")
    if options.array < 1 or (options.array > 1 and (options.recipe != "extract_codes" or options.cluster != "slurm")):
        parser.error(f"--array {options.array}: expected 1, or more for extract_codes with --cluster slurm")
    if options.nodes * options.gpus > 1 and not options.recipe.startswith(("train_", "extract_codes")):
        parser.error(f"{options.recipe} does not share its work: give it --nodes 1 and --gpus 1 or 0")
    if not 0 < options.signal_minutes < options.hours * 60:
        parser.error(f"--signal-minutes is {options.signal_minutes:g}, expected less than the {options.hours:g} hours")
    return options


def _fail(message: str) -> NoReturn:
    sys.exit(f"submit: {message}")


if __name__ == "__main__":
    main()
