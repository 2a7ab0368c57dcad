"""One run at a time in a folder."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with contextlib.suppress(ImportError):  # Windows has no fcntl; there nothing is locked
    import fcntl


class FolderInUseError(ValueError):
    """Another process writes into the same folder."""


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the folder for this process until the block ends, or the process does, however it dies.

    Raises: FolderInUseError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a+b") as file:
        try:
            # POSIX record locks belong to one process: its data loaders, which may outlive it a moment, do not hold it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except NameError:
            pass
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise FolderInUseError(
                    f"another run holds {os.fspath(folder)}: wait for its end, stop it, or choose another output_dir"
                ) from None
            # file systems without locks, as some network ones are
        yield
