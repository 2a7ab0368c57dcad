"""Files written atomically: whole or not at all, and no leftovers."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from audiovq.system.files import remove_unfinished, write_atomically
from tests.full_disk import full_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An old file, alone in its folder."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(path: Path, content: bytes) -> None:
    with write_atomically(path) as file:
        file.write(content)


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def test_the_old_file_stands_until_the_new_one_is_whole(path: Path) -> None:
    with write_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert files(path.parent) == {"a.bin": b"new"}


def test_what_was_written_can_be_read_back_before_it_counts(path: Path) -> None:
    with write_atomically(path) as file:
        file.write(b"new")
        file.seek(0)
        assert file.read() == b"new"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_while_writing_leaves_the_old_file_alone(path: Path, error: BaseException) -> None:
    def fail() -> None:
        with write_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert files(path.parent) == {"a.bin": b"old"}


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_an_error_at_the_end_leaves_the_old_file_alone(
    path: Path, function: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, function, Mock(side_effect=error))
    with pytest.raises(type(error)):
        write(path, b"new")
    assert files(path.parent) == {"a.bin": b"old"}


@pytest.mark.parametrize("size", [21_000, 1_000_000])  # more is written at closing, or at once
def test_a_full_disk_leaves_the_old_file_alone(path: Path, size: int) -> None:
    with full_disk(20_000), pytest.raises(OSError, match="File too large"):
        write(path, bytes(size))
    assert files(path.parent) == {"a.bin": b"old"}


def test_the_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []

    def recorded(function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            events.append(name(*arguments))
            return function(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", recorded(os.fsync, lambda file: "sync folder" if is_folder(file) else "sync file"))
    monkeypatch.setattr(os, "replace", recorded(os.replace, lambda *_: "rename"))
    write(path, b"new")
    assert events == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("code, is_fatal", [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_knows_no_sync_is_no_error_but_a_failing_disk_is(
    path: Path, code: int, is_fatal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if is_folder(descriptor):
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    if is_fatal:
        with pytest.raises(OSError, match="Input/output error"):
            write(path, b"new")
    else:
        write(path, b"new")
    assert files(path.parent) == {"a.bin": b"new"}


def test_two_writers_of_one_file_do_not_mix(path: Path) -> None:
    with write_atomically(path) as first, write_atomically(path) as second:
        first.write(b"first")
        second.write(b"second, which ends before the first")
    assert files(path.parent) == {"a.bin": b"first"}


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / ("a" * 255), b"new")
    assert files(tmp_path) == {"a" * 255: b"new"}


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "missing" / "a.bin", b"new")


KILLED = """
import os, signal, sys
from audiovq.system.files import write_atomically
with write_atomically(sys.argv[1]) as file:
    file.write(b"new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_and_nothing_else(path: Path) -> None:
    others = {"a.bin": b"old", ".hidden": b"", "notes.part": b"", ".audiovq.part": b"", ".audiovq-notes": b""}
    for name, content in others.items():
        (path.parent / name).write_bytes(content)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(files(path.parent)) == len(others) + 1
    remove_unfinished(path.parent)
    assert files(path.parent) == others


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path: Path) -> None:
    remove_unfinished(tmp_path / "missing")
