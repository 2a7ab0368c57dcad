"""Sounds to the entries of a token table in several processes, where a sound that kills its process costs no other."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import Connection

import torch

from audiovq.data.kaldi import Sound
from audiovq.extraction.encoding import Model, Outcome, encode_each
from audiovq.system.interrupts import interrupts_ignored

START_METHOD = "spawn"  # not "fork": a fork lacks the threads that torch has started, and waits for them for ever
_BATCHES_PER_PROCESS = 2  # one at work, one waiting


def encode_sounds(
    sounds: Iterable[Sound], model: Model, num_processes: int, batch_size: int
) -> Generator[Outcome, None, None]:
    """Every sound once, in no promised order; closing the iterator ends the processes.

    The processes share the threads that torch would use alone. They get ``batch_size`` sounds at a time.
    """
    if num_processes == 1:
        yield from encode_each(sounds, model.load())
    else:
        yield from _encode_in_processes(iter(sounds), model, num_processes, batch_size)


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
    return list(encode_each(sounds, _model.load()))


_model: Model  # of a process of a pool
