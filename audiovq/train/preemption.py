"""Requests to stop a run: signals and a time budget are noted at once and heeded at the next step boundary."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the same command goes on from here
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]

# Launchers pass on what the terminal has sent to all: one Ctrl-C under torchrun or `timeout -s INT` comes twice.
ECHO_SECONDS = 0.5


class StopRequests:
    """Notes what asks the run to stop, while entered; `reason` says what it was. A second Ctrl-C stops at once.

    The time budget counts from the construction; 0 means none. Outside the main thread, which alone can receive
    signals, only the budget is heeded.
    """

    def __init__(self, time_budget_minutes: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        if not time_budget_minutes >= 0:
            raise ValueError(f"time_budget_minutes is {time_budget_minutes}, expected 0 (no limit) or more")
        self._minutes, self._clock, self._began = time_budget_minutes, clock, clock()
        self._requested: str | None = None
        self._requested_at = 0.0
        self._former: dict[signal.Signals, signal._HANDLER] = {}

    @property
    def signal(self) -> str | None:
        """The signal that asked, None while none has."""
        return self._requested

    @property
    def reason(self) -> str | None:
        """What asked first, a signal or the time budget; None while nothing has."""
        if self._requested is None and 0 < self._minutes * 60 <= self._clock() - self._began:
            return f"the time budget of {self._minutes:g} minute{'' if self._minutes == 1 else 's'}"
        return self._requested

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            # None: one that Python did not install and cannot put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._former = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._requested is None:
            self._requested_at = self._clock()
            self._requested = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
            again = "another Ctrl-C" if number == signal.SIGINT else "Ctrl-C"
            _tell(f"{self._requested}: finishing this step, then saving; {again} stops at once")
        elif number == signal.SIGINT and self._clock() - self._requested_at >= ECHO_SECONDS:
            raise KeyboardInterrupt


def ignore_stop_requests(worker: int) -> None:
    """The `worker_init_fn` of a training's DataLoader: its workers are stopped by the training, not by signals.

    Terminals and schedulers signal every process of a run, and a worker that dies takes the training with it, in the
    middle of the step that was to be finished.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _tell(line: str) -> None:
    """Write to stderr without its buffer, which the interrupted code may be writing to."""
    start = "\n" if os.isatty(2) else ""  # a progress line may stand there
    with contextlib.suppress(OSError):  # nobody listens any more: no reason to fail
        os.write(2, f"{start}{line}\n".encode())
