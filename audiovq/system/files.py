"""Files that are seen whole or not at all, also after a crash or a power failure."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PREFIX, _SUFFIX = ".audiovq-", ".part"
_FOLDER_CANNOT_BE_SYNCED = {errno.EINVAL, errno.ENOTSUP}


@contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a file to write, and to read back; it takes the place of `path` when the block ends without an error.

    Raises: OSError for whatever the disk refuses; the old file then stands, and nothing else is left.
    """
    path = Path(path)
    # In the same folder, since a rename across file systems is a copy; random, since writers may be on many machines.
    part = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    try:
        with part.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with suppress(OSError):  # there is nothing left to remove once the file has its name
            part.unlink()
    _sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Delete what writers left that were killed; nobody may be writing into the folder meanwhile."""
    for part in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have a rename survive a power failure, where the system can promise it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder that may be written but not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_CANNOT_BE_SYNCED:
            raise
    finally:
        os.close(descriptor)
