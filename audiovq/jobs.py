"""One task on many files: which files, where each result goes, in how many processes, and what failed."""

import glob
import multiprocessing
import os
import re
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from audiovq.audio.io import AUDIO_SUFFIXES, AudioError
from audiovq.codes import CodesError
from audiovq.tokenizer import ModelError

CODES_SUFFIX = ".avq"
KNOWN_SUFFIXES = AUDIO_SUFFIXES | {CODES_SUFFIX}


class UsageError(Exception):
    """A call that cannot be meant as it was written."""


@dataclass(frozen=True)
class Job:
    """One file to read and the file to write."""

    source: Path
    target: Path

    def is_done(self) -> bool:
        try:
            return self.target.exists()
        except OSError:  # a folder that may not be looked into: the attempt to write says so
            return False


Task = Callable[[Job], None]


def find_files(inputs: Iterable[str], suffixes: Collection[str]) -> tuple[dict[Path, Path], list[str]]:
    """Expand folders and glob patterns into files with their places below an output folder; say what yields none.

    A folder's files keep their places in it; those of a pattern their places below its last part without wildcards.
    """
    places: dict[Path, Path] = {}
    failures: list[str] = []
    for name in inputs:
        path, num_failures = Path(name), len(failures)
        try:
            if path.is_dir():
                root, files = path, _files_below(path, suffixes, failures)
            elif _is_pattern(name) and not path.exists():
                root = Path(*takewhile(lambda part: not _is_pattern(part), path.parts))
                files = []
                for match in map(Path, sorted(glob.glob(name, recursive=True))):
                    if match.is_dir():
                        files += _files_below(match, suffixes, failures)
                    elif match.suffix.lower() in suffixes:
                        files.append(match)
            else:
                root, files = path.parent, [path]
        except OSError as error:
            failures.append(one_line(path, error))
            continue
        if not files and len(failures) == num_failures:
            failures.append(f"{name}: holds no file that ends in {' '.join(sorted(suffixes))}")
        for file in files:
            places.setdefault(file, file.relative_to(root))
    return places, failures


def plan(places: Mapping[Path, Path], out: Path, suffixes: Sequence[str]) -> tuple[list[Job], list[str]]:
    """Name the output of each file: `out` when it ends in one of `suffixes`, else one below the folder `out`.

    Also returns a line for each file whose output is that of an earlier one.
    Raises: UsageError when `out` is a file for several inputs, or of another kind.
    """
    suffix = out.suffix.lower()
    if suffix in suffixes and not out.is_dir():
        if len(places) > 1:
            raise UsageError(f"-o {out} is one file, but there are {len(places)} inputs: name a folder")
        return [Job(source, out) for source in places], []
    if not out.is_dir() and (suffix in KNOWN_SUFFIXES or out.exists()):
        raise UsageError(f"-o {out}: expected a folder, or a file that ends in {' or '.join(suffixes)}")
    sources: dict[Path, Path] = {}
    failures = []
    for source, place in places.items():
        target = out / place.with_suffix(suffixes[0])
        if target in sources:
            failures.append(f"{source}: its output {target} is already that of {sources[target]}")
        sources.setdefault(target, source)
    return [Job(source, target) for target, source in sources.items()], failures


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


def one_line(path: Path, error: Exception) -> str:
    """What a failure says of the file, without a traceback."""
    if isinstance(error, OSError):
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    elif isinstance(error, MemoryError | torch.OutOfMemoryError):
        reason = "there is not enough memory for it"
    else:
        reason = str(error)
    named = re.search(rf"(^|\s){re.escape(str(path))}(:|\s|$)", reason)
    line = reason if named else f"{path}: {reason}"
    # A file's name may hold line ends and whatever else a terminal obeys.
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line)


def _files_below(folder: Path, suffixes: Collection[str], failures: list[str]) -> list[Path]:
    def report(error: OSError) -> None:
        failures.append(one_line(Path(error.filename), error))

    files = []
    for parent, folders, names in os.walk(folder, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Hidden files are half-written ones and what file managers leave behind.
        visible = sorted(name for name in names if not name.startswith("."))
        files += [Path(parent, name) for name in visible if Path(name).suffix.lower() in suffixes]
    return files


def _is_pattern(name: str) -> bool:
    return any(wildcard in name for wildcard in "*?[")


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


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Let Ctrl-C pass by processes that are started meanwhile."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
