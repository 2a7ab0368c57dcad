"""One checkpoint in a file that tells whether it is still as it was written: a torch archive, and then its SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from audiovq.system.files import write_atomically

FORMAT_VERSION = 2
_SEAL = b"sha256:"
_SEAL_BYTES = len(_SEAL) + 64
_BLOCK_BYTES = 1 << 22
_PLAIN = {bool, bytes, float, int, str, type(None), Tensor, nn.Parameter}

State = dict[str, Any]


class CheckpointError(ValueError):
    """A checkpoint that cannot be written or used, with the reason and what to do."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint that is not as it was written."""


def save_checkpoint(path: Path, state: State) -> None:
    """Write the state, and read it back to be sure; any older file stands until the new one is on the disk.

    Args:
        state: plain values and tensors; format_version is added
    Raises: CheckpointError for a state that could not be read back, OSError for what the disk refuses.
    """
    state = {**state, "format_version": FORMAT_VERSION}
    _check_plain(state, "")
    with write_atomically(path) as file:
        sealing = _SealingFile(file)
        try:
            torch.save(state, sealing)  # type: ignore[arg-type]
        except BaseException as error:
            raise sealing.error or error from None
        file.write(sealing.seal())
        file.flush()
        if not _is_whole(file):
            raise OSError(errno.EIO, "what was written is not what is read back")


def load_checkpoint(path: Path) -> State:
    """Read a checkpoint onto the CPU; tensors and plain values only, never code.

    Raises: DamagedCheckpointError when it is not as it was written; CheckpointError when it cannot be opened, is of
        another format version, or holds anything else.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        try:
            if not _is_whole(file):
                _refuse_version(path, _version_without_seal(file))
                raise DamagedCheckpointError(f"{path}: damaged, or no checkpoint: it does not agree with its checksum")
            file.seek(0)
            state = torch.load(file, map_location="cpu", weights_only=True)
        except OSError as error:
            raise DamagedCheckpointError(f"{path}: cannot be read to its end: {error.strerror}") from error
        except pickle.UnpicklingError as error:
            raise CheckpointError(f"{path}: holds more than tensors and plain values: {error}") from error
    _refuse_version(path, state["format_version"])
    return state


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is there and is as it was written; only its bytes are looked at."""
    try:
        with path.open("rb") as file:
            return _is_whole(file)
    except OSError:
        return False


class _SealingFile:
    """What torch writes to: takes the checksum, and remembers what went wrong.

    After an error torch ends its archive all the same, and then raises the riddle that comes of that instead.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self.digest.update(data)
            return self.file.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        self.file.flush()

    def seal(self) -> bytes:
        return _SEAL + self.digest.hexdigest().encode()


def _is_whole(file: BinaryIO) -> bool:
    left = file.seek(0, os.SEEK_END) - _SEAL_BYTES
    file.seek(0)
    digest = hashlib.sha256()
    while left > 0:
        block = file.read(min(left, _BLOCK_BYTES))
        if not block:
            return False
        digest.update(block)
        left -= len(block)
    return file.read() == _SEAL + digest.hexdigest().encode()


def _version_without_seal(file: BinaryIO) -> int:
    """The format version of a file from before there were seals; this one's for anything else."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _SEAL_BYTES))
    sealed = file.read(len(_SEAL)) == _SEAL
    file.seek(0)
    try:
        state = None if sealed else torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # torch has no one error for all that is no archive of its own
        state = None
    version = state.get("format_version") if isinstance(state, dict) else None
    return version if isinstance(version, int) else FORMAT_VERSION


def _refuse_version(path: Path, version: int) -> None:
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: written in format version {version}, this audiovq reads {FORMAT_VERSION}: go on with the "
            "audiovq that wrote it, or start in another folder"
        )


def _check_plain(value: object, name: str) -> None:
    """Refuse now what could be written but not be read back."""
    if type(value) in (dict, OrderedDict):
        assert isinstance(value, dict)
        for key, item in value.items():
            _check_plain(key, f"a key of {name or 'the state'}, {key!r},")
            _check_plain(item, f"{name}.{key}" if name else str(key))
    elif type(value) in (list, tuple):
        assert isinstance(value, (list, tuple))
        for index, item in enumerate(value):
            _check_plain(item, f"{name}.{index}")
    elif type(value) not in _PLAIN:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise CheckpointError(f"{name} is a {kind}: a checkpoint holds tensors and plain values only, so convert it")
