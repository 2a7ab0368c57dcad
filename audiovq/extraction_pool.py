"""Sounds to their codes, in this process or in several, where a sound that kills its process costs no other."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from audiovq.audio.io import AudioError, AudioReader
from audiovq.codes import CodesError
from audiovq.conversions import tokenizer
from audiovq.data.kaldi import Sound
from audiovq.data.kaldi.sounds import is_command
from audiovq.jobs import interrupts_ignored, one_line
from audiovq.tokenizer import Tokenizer
from audiovq.tokens.layout import Entry, interleaved
from audiovq.tokens.silence import frame_samples, silent_ms

READ_AHEAD = 2
LARGE_BYTES = 1 << 26  # a file from here up is read piece by piece while it is encoded: it may not fit into memory
START_METHOD = "spawn"  # not "fork": a fork lacks the threads that torch has started, and waits for them for ever
_BATCHES_PER_PROCESS = 2  # one at work, one waiting

Outcome = tuple[Sound, Entry | str]
"""A sound, with its entry or one line that says what went wrong."""


@dataclass(frozen=True)
class Model:
    """What ``audiovq.load`` is told."""

    name: str
    device: str = "cpu"

    def load(self) -> Tokenizer:
        """Once in a process."""
        return tokenizer(self.name, self.device)


def encode_sounds(
    sounds: Iterable[Sound], model: Model, num_processes: int, batch_size: int
) -> Generator[Outcome, None, None]:
    """Every sound once, in no promised order; closing the iterator ends the processes.

    The processes share the threads that torch would use alone. They get ``batch_size`` sounds at a time.
    """
    if num_processes == 1:
        yield from _encode_all(sounds, model.load())
    else:
        yield from _encode_in_processes(iter(sounds), model, num_processes, batch_size)


def _encode_all(sounds: Iterable[Sound], tokenizer: Tokenizer) -> Iterator[Outcome]:
    for sound, reading in _read_ahead(sounds):
        try:
            yield sound, _encode(sound, reading.result(), tokenizer)
        except (AudioError, CodesError, OSError, MemoryError, torch.OutOfMemoryError) as error:
            yield sound, one_line(Path(sound.utt_id), error)
        except Exception as error:
            # The sound is not to blame, so the traceback is wanted; but the other sounds shall be done.
            traceback.print_exc()
            yield sound, one_line(Path(sound.utt_id), RuntimeError(f"stopped by a mistake in audiovq, {error!r}"))


def _read_ahead(sounds: Iterable[Sound]) -> Iterator[tuple[Sound, Future[tuple[Tensor, int] | None]]]:
    """Read the next sounds, by another thread, while one is encoded."""
    with ThreadPoolExecutor(1) as reader:
        waiting = deque[tuple[Sound, "Future[tuple[Tensor, int] | None]"]]()
        for sound in sounds:
            waiting.append((sound, reader.submit(_read, sound)))
            if len(waiting) > READ_AHEAD:
                yield waiting.popleft()
        yield from waiting


def _read(sound: Sound) -> tuple[Tensor, int] | None:
    return None if _is_large(sound) else sound.read()


def _is_large(sound: Sound) -> bool:
    is_whole_file = sound.start_seconds is None and not is_command(sound.source) and not sound.problem
    return is_whole_file and os.path.exists(sound.source) and os.path.getsize(sound.source) >= LARGE_BYTES


def _encode(sound: Sound, read: tuple[Tensor, int] | None, tokenizer: Tokenizer) -> Entry:
    if read is None:
        codes, silence = tokenizer.encode(sound.source), _silence_of_file(sound.source)
    else:
        codes, silence = tokenizer.encode(*read), silent_ms(*read)
    return Entry(sound.utt_id, codes.num_samples, codes.num_channels, silence, interleaved(codes))


def _silence_of_file(path: str) -> int:
    with AudioReader(path) as reader:
        size = 1000 * frame_samples(reader.sample_rate)
        blocks = (reader.read(size) for _ in range(-(-reader.num_samples // size)))
        return sum(silent_ms(block, reader.sample_rate) for block in blocks)


def _encode_in_processes(
    sounds: Iterator[Sound], model: Model, num_processes: int, batch_size: int
) -> Iterator[Outcome]:
    running: dict[Future[list[Outcome]], list[Sound]] = {}
    pool = _Pool(model, num_processes)
    try:
        while True:
            while len(running) < _BATCHES_PER_PROCESS * num_processes and (batch := list(islice(sounds, batch_size))):
                running[pool.submit(batch)] = batch
            if not running:
                return
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            if not any(map(_has_died, ended)):
                for future in ended:
                    yield from future.result()
                    del running[future]
                continue
            # A process died, and with it the pool. Its last words are lost: so find the sound that did it.
            suspects = [sound for batch in running.values() for sound in batch]
            running.clear()
            pool.close()
            pool = _Pool(model, num_processes)
            for sound in suspects:
                alone = pool.submit([sound])
                if _has_died(alone):
                    yield sound, f"{sound.utt_id}: the process that worked on it died"
                    pool.close()
                    pool = _Pool(model, num_processes)
                else:
                    yield from alone.result()
    finally:
        pool.close()


def _has_died(future: Future[list[Outcome]]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


class _Pool:
    """Processes that have loaded the model, and end when this one does, however it ends."""

    def __init__(self, model: Model, num_processes: int) -> None:
        theirs, self._lifeline = multiprocessing.Pipe(duplex=False)
        num_threads = max(1, torch.get_num_threads() // num_processes)
        context = multiprocessing.get_context(START_METHOD)
        self._executor = ProcessPoolExecutor(num_processes, context, _begin, (theirs, model, num_threads))

    def submit(self, sounds: Sequence[Sound]) -> Future[list[Outcome]]:
        try:
            with interrupts_ignored():  # by the process that this may start; the first process heeds Ctrl-C for all
                return self._executor.submit(_encode_batch, sounds)
        except BrokenProcessPool as error:
            failed = Future[list[Outcome]]()
            failed.set_exception(error)
            return failed

    def close(self) -> None:
        self._lifeline.close()
        self._executor.shutdown(cancel_futures=True)


def _begin(lifeline: Connection, model: Model, num_threads: int) -> None:
    global _model
    torch.set_num_threads(num_threads)
    _model = model

    def end_with_parent() -> None:
        lifeline.poll(None)  # nothing is ever sent: this returns when the other end is closed, also by a kill
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _encode_batch(sounds: Sequence[Sound]) -> list[Outcome]:
    return list(_encode_all(sounds, _model.load()))


_model: Model  # of a process of a pool
