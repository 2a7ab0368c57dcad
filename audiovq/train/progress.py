"""Where a run stands: one line that changes on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

BAR_COLUMNS = 20


class ProgressLine:
    """Shows the last report, and notes above it; on stdout when stderr is no terminal.

    Args:
        active: False shows nothing, for all processes but the first.
    """

    def __init__(self, total_steps: int, steps_done: int = 0, active: bool = True) -> None:
        self._total_steps, self._active = total_steps, active
        console = Console(stderr=True)
        self._live: Live | None = None
        if active and console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                self._row(steps_done, self._place(steps_done)),
                console=console,
                auto_refresh=False,
                redirect_stdout=sys.stdout.isatty(),  # what is printed into a file or a pipe stays there
            )

    def __enter__(self) -> ProgressLine:
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def report(
        self,
        step: int,
        terms: Mapping[str, float],
        audio_seconds_per_second: float,
        waiting_share: float,
        seconds_left: float,
    ) -> None:
        parts = [self._place(step), *(f"{name} {value:.4g}" for name, value in terms.items())]
        parts += [f"{audio_seconds_per_second:.{0 if audio_seconds_per_second >= 10 else 1}f} s/s"]
        parts += [f"waiting {100 * waiting_share:.0f} %", f"{_duration(seconds_left)} left"]
        line = "  ".join(parts)
        if self._live is not None:
            self._live.update(self._row(step, line), refresh=True)
        else:
            self._print(line)

    def note(self, text: str) -> None:
        """Something that happened, and stays."""
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self._print(text)

    def _place(self, step: int) -> str:
        return f"step {step}/{self._total_steps}"

    def _row(self, step: int, line: str) -> Table:
        row = Table.grid(padding=(0, 2))
        row.add_row(ProgressBar(total=self._total_steps, completed=step, width=BAR_COLUMNS), Text(line))
        return row

    def _print(self, line: str) -> None:
        if self._active:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole} s"
