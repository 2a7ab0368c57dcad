"""What a failure says in one line."""

import re
from pathlib import Path

import torch


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
