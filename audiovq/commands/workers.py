"""One task on many files, in this process or in several, where a file that kills its process costs no other."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

import torch

from audiovq.audio.io import AudioError
from audiovq.codes import CodesError
from audiovq.commands.inputs import Job
from audiovq.system.failures import one_line
from audiovq.system.interrupts import interrupts_ignored
from audiovq.tokenizer import ModelError

Task = Callable[[Job], None]


def run(task: Task, jobs: Sequence[Job], num_processes: int) -> Generator[str | None, None, None]:
    """Do every job, and yield as each one ends: None, or a line that says what went wrong.

    Several processes share the threads that torch would use alone. Closing the iterator ends them.
    """
    if min(num_processes, len(jobs)) > 1:
        yield from _run_in_processes(task, jobs, min(num_processes, len(jobs)))
    else:
        yield from (_attempt(task, job) for job in jobs)


def _attempt(task: Task, job: Job) -> str | None:
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        task(job)
    except (AudioError, CodesError, ModelError, OSError, MemoryError, torch.OutOfMemoryError) as error:
        return one_line(job.source, error)
    except Exception as error:
        # No file and no disk is to blame, so the traceback is wanted; but the other files shall be done.
        traceback.print_exc()
        return one_line(job.source, RuntimeError(f"{job.source}: stopped by a mistake in audiovq, {error!r}"))
    return None


def _run_in_processes(task: Task, jobs: Sequence[Job], num_processes: int) -> Generator[str | None, None, None]:
    num_threads = max(1, torch.get_num_threads() // num_processes)
    waiting = deque(jobs)
    workers = [_Worker(task, num_threads) for _ in range(num_processes)]
    idle = list(workers)
    busy: dict[object, _Worker] = {}
    try:
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                worker.begin(waiting.popleft())
                busy[worker.connection] = worker
            for connection in wait([worker.connection for worker in busy.values()]):
                worker = busy.pop(connection)
                yield worker.finish()
                if not worker.is_alive():
                    worker = _Worker(task, num_threads)
                    workers.append(worker)
                idle.append(worker)
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()


class _Worker:
    """A process that does one job at a time, and whose death costs only that job."""

    def __init__(self, task: Task, num_threads: int) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        # Not forked: a fork lacks the threads that torch has started, and waits for them for ever.
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(theirs, task, num_threads), daemon=True)
        # Ctrl-C reaches all processes of a terminal. Only the first one heeds it, and then stops each worker once.
        with interrupts_ignored():
            self._process.start()
        theirs.close()

    def begin(self, job: Job) -> None:
        self._job = job
        with suppress(OSError):  # of a process that died: finish() says so
            self.connection.send(job)

    def finish(self) -> str | None:
        try:
            failure: str | None = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            failure = f"{self._job.source}: the process that worked on it ended with code {self._process.exitcode}"
        return failure

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> None:
        self._process.terminate()

    def join(self) -> None:
        self._process.join()
        self.connection.close()


def _serve(connection: Connection, task: Task, num_threads: int) -> None:
    # An exit that unwinds the stack, so that half-written files are removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    torch.set_num_threads(num_threads)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(task, job))
