"""What the audiovq commands say: results on stdout, what is wrong and how far they are on stderr."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def complain(line: str, exit_code: int) -> int:
    """Say on stderr what is wrong; returns the exit code."""
    print(f"audiovq: {line}", file=sys.stderr)
    return exit_code


def print_fields(fields: dict[str, str]) -> None:
    """A line for each name and its value."""
    print_table([[name, value] for name, value in fields.items()])


def print_table(rows: list[list[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def progress_bar(doing: str) -> Progress:
    """How much of something is done. A bar is for eyes: a stderr that is no terminal gets none."""
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
