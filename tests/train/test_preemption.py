"""Real signals to real processes: each is noted, said, and left to the loop."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from audiovq.train.preemption import ECHO_SECONDS, EXIT_AGAIN, SIGNALS, StopRequests

# The module needs nothing else of audiovq, whose import takes seconds.
FOLDER = Path(__file__).parents[2] / "audiovq/train"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def start(code: str) -> subprocess.Popen[str]:
    """Run code in a process group of its own, up to its first line of output."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_a_terminated_group_finishes_its_step_and_saves() -> None:
    # The signal goes to the training and to its loader's workers, as schedulers send it.
    code = """
        import sys, time
        from torch.utils.data import DataLoader
        from preemption import EXIT_AGAIN, StopRequests, ignore_stop_requests

        loader = DataLoader(range(10**6), batch_size=None, num_workers=1, worker_init_fn=ignore_stop_requests)
        with StopRequests() as stop:
            for batch in loader:
                if batch == 1:
                    print("ready", flush=True)
                time.sleep(0.1)
                if stop.reason is not None:
                    print("saved because of", stop.reason)
                    sys.exit(EXIT_AGAIN)
    """
    with start(code) as training:
        os.killpg(training.pid, signal.SIGTERM)
        out, err = training.communicate()
    assert (training.returncode, out) == (75, "saved because of SIGTERM\n") and EXIT_AGAIN == 75
    assert err == "SIGTERM: finishing this step, then saving; Ctrl-C stops at once\n"


def test_a_second_ctrl_c_stops_at_once() -> None:
    code = """
        import time
        from preemption import ECHO_SECONDS, StopRequests

        with StopRequests() as stop:
            print("ready", flush=True)
            while stop.reason is None:
                time.sleep(0.01)
            time.sleep(ECHO_SECONDS)
            print("ready", flush=True)
            time.sleep(60)
    """
    with start(code) as training:
        assert training.stdout is not None
        training.send_signal(signal.SIGINT)
        assert training.stdout.readline() == "ready\n"
        training.send_signal(signal.SIGINT)
        _, err = training.communicate()
    assert err.startswith("Ctrl-C: finishing this step, then saving; another Ctrl-C stops at once\n")
    assert err.endswith("KeyboardInterrupt\n") and training.returncode == -signal.SIGINT


@pytest.mark.parametrize("number", SIGNALS)
def test_every_request_is_noted_and_the_former_handlers_come_back(number: signal.Signals) -> None:
    former = [signal.getsignal(each) for each in SIGNALS]
    with StopRequests() as stop:
        assert stop.reason is None
        os.kill(os.getpid(), number)
        assert stop.reason == {"SIGINT": "Ctrl-C"}.get(number.name, number.name)
    assert [signal.getsignal(each) for each in SIGNALS] == former


def test_one_ctrl_c_that_a_launcher_repeats_is_one() -> None:
    clock = Clock()
    with StopRequests(clock=clock) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        clock.now += 0.9 * ECHO_SECONDS
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.reason == "Ctrl-C"
        clock.now += ECHO_SECONDS
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_nobody_listening_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(file: int, line: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", closed)
    with StopRequests() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.reason == "SIGTERM"


def test_the_time_budget_counts_from_the_construction() -> None:
    clock = Clock()
    stop, endless = StopRequests(1.5, clock), StopRequests(0.0, clock)
    clock.now += 89.9
    with stop:
        assert stop.reason is None
        clock.now += 0.1
        assert [stop.reason, endless.reason] == ["the time budget of 1.5 minutes", None]
    with pytest.raises(ValueError, match="time_budget_minutes is -1, expected 0"):
        StopRequests(-1)
