"""What the audiovq commands say: results on stdout, what is wrong on stderr."""

import sys


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
