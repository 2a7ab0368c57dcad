"""The line of a run on a terminal and elsewhere, and the speeds that it shows."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress

import pytest

from audiovq.train.progress import ProgressLine
from audiovq.train.speed import SpeedMeter

TERMS = {"loss": 0.5561, "mel": 12.0, "commitment": 0.00003412}


def test_without_a_terminal_lines_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine(9000, steps_done=400) as line:
        line.report(450, TERMS, 1544.4, 0.0096, 5789.9)
        line.note("saved [step] 500")
        line.report(500, {"loss": 1234.5}, 0.82, 0.5, 3599.6)
        line.report(550, {}, 44, 0, 59.4)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [
        "step 450/9000  loss 0.5561  mel 12  commitment 3.412e-05  1544 s/s  waiting 1 %  1 h 36 min left",
        "saved [step] 500",
        "step 500/9000  loss 1234  0.8 s/s  waiting 50 %  1 h 0 min left",
        "step 550/9000  44 s/s  waiting 0 %  59 s left",
    ]


def test_all_processes_but_the_first_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine(9000, active=False) as line:
        line.report(450, TERMS, 44.4, 0.0, 60.0)
        line.note("saved")
    assert capsys.readouterr() == ("", "")


@contextmanager
def stderr_is_a_terminal() -> Iterator[bytearray]:
    """Gives what the terminal has received, complete at the end."""
    received, end = bytearray(), "<the end>"
    screen, terminal = os.openpty()
    with open(terminal, "w", encoding="utf-8") as stderr:
        with redirect_stderr(stderr):
            yield received
        stderr.write(end)
        stderr.flush()
        while not received.endswith(end.encode()):
            received += os.read(screen, 4096)
    del received[-len(end) :]
    os.close(screen)


def test_on_a_terminal_notes_stay_above_one_changing_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with stderr_is_a_terminal() as received, ProgressLine(9, steps_done=1) as line:
        line.report(2, {"loss": 0.5}, 44.4, 0.0, 60.0)
        line.note("saved [step] 2")
        sys.stdout.write("for the pipe\n")
        line.report(3, {"loss": 0.25}, 44.4, 0.0, 60.0)
        line.report(4, {"loss": 0.125}, 44.4, 0.0, 60.0)
    assert capsys.readouterr().out == "for the pipe\n"
    assert all(f"step {step}/9" in received.decode() for step in (1, 2, 3, 4))
    # What a terminal still shows: each line from its last erasure on, without colours and cursor movements.
    rows = [row.rpartition("\x1b[2K")[2] for row in received.decode().split("\r\n")]
    rows = [re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", row).strip("╸╺━ ") for row in rows]
    assert rows == ["saved [step] 2", "step 4/9  loss 0.125  44 s/s  waiting 0 %  1 min left", ""]


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def test_speeds_are_those_since_the_last_reset() -> None:
    clock = Clock()
    meter = SpeedMeter(clock)
    assert (meter.wall_seconds, meter.audio_seconds_per_second, meter.waiting_share) == (0, 0, 0)
    meter.heard(1000)
    with meter.waiting():
        clock.now += 100
    meter.reset()
    for _ in range(2):
        with meter.waiting():
            clock.now += 0.5
        clock.now += 3.5
        meter.heard(40)
    assert (meter.wall_seconds, meter.audio_seconds_per_second, meter.waiting_share) == (8, 10, 0.125)
    assert meter.seconds_per_step == 4  # of those since the reset


def test_waiting_for_what_never_comes_is_waiting_too() -> None:
    clock = Clock()
    meter = SpeedMeter(clock)
    with suppress(StopIteration), meter.waiting():
        clock.now += 1
        next(iter([]))
    assert meter.waiting_share == 1
