"""One checkpoint: read back exactly, or refused."""

import errno
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audiovq.system.files import write_atomically
from audiovq.train import checkpoint_file
from audiovq.train.checkpoint_file import (
    CheckpointError,
    DamagedCheckpointError,
    is_whole,
    load_checkpoint,
    save_checkpoint,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small checkpoint."""
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"weights": torch.arange(30.0), "place": {"epoch": 1, "share": 2.5}})
    return path


def same(a: Any, b: Any) -> bool:
    """Equality of nested states, with their types, tensors bit by bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_a_training_comes_back_exactly(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.arange(12.0).reshape(4, 3)).pow(3).sum().backward()
    optimizer.step()
    state: dict[str, Any] = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "half": torch.tensor([0.1]).bfloat16(),
        "plain": {"none": None, "flags": [True, (2**40, -1.5)], "text": "ключ", "bytes": b"\xff", 3: "three"},
    }
    save_checkpoint(tmp_path / "a.pt", state)
    assert isinstance(state["model"], OrderedDict)
    assert same(load_checkpoint(tmp_path / "a.pt"), {**state, "format_version": 2})


def test_any_flipped_bit_is_found(path: Path) -> None:
    content = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for position, byte in enumerate(content):
            file.seek(position)
            file.write(bytes([byte ^ 1 << position % 8]))
            with pytest.raises(DamagedCheckpointError, match=r"a\.pt: damaged"):
                load_checkpoint(path)
            file.seek(position)
            file.write(bytes([byte]))
    assert is_whole(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a checkpoint",
        lambda content: content[:-1],
        lambda content: content[:-71],  # all of the archive, nothing of its checksum
        lambda content: content[: len(content) // 2],
        lambda content: content[:512] + bytes(512) + content[1024:],
        lambda content: bytes(len(content)),
        lambda content: content + b"\0",
        lambda content: content + content,
    ],
)
def test_any_other_damage_is_found(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))
    assert not is_whole(path)
    with pytest.raises(DamagedCheckpointError, match=r"a\.pt: damaged"):
        load_checkpoint(path)


def test_a_file_longer_than_a_block_is_checked_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long.pt"
    save_checkpoint(path, {"weights": torch.zeros(2_500_000)})
    assert is_whole(path)
    with path.open("r+b") as file:
        file.seek(9_000_000)
        file.write(b"\1")
    assert not is_whole(path)


def test_a_missing_checkpoint_is_not_called_damaged(tmp_path: Path) -> None:
    assert not is_whole(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"a\.pt: cannot be read: No such file") as caught:
        load_checkpoint(tmp_path / "a.pt")
    assert not isinstance(caught.value, DamagedCheckpointError)


@pytest.mark.parametrize("has_checksum", [False, True])  # those of version 1 have none
@pytest.mark.parametrize("version", [1, 3])
def test_another_format_version_is_named(tmp_path: Path, version: int, has_checksum: bool) -> None:
    path = tmp_path / "a.pt"
    plant(path, {"format_version": version, "step": 3}, has_checksum)
    with pytest.raises(CheckpointError, match=f"format version {version}, this audiovq reads 2: go on") as caught:
        load_checkpoint(path)
    assert not isinstance(caught.value, DamagedCheckpointError)


def plant(path: Path, state: object, has_checksum: bool) -> None:
    """A file as another program may have written it."""
    archive = BytesIO()
    torch.save(state, archive)
    seal = b"sha256:" + hashlib.sha256(archive.getvalue()).hexdigest().encode()
    path.write_bytes(archive.getvalue() + (seal if has_checksum else b""))


class Code:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("has_checksum", [False, True])
def test_code_in_a_file_is_not_run(tmp_path: Path, has_checksum: bool) -> None:
    plant(tmp_path / "a.pt", {"format_version": 2, "code": Code(tmp_path / "made")}, has_checksum)
    with pytest.raises(CheckpointError, match=r"a\.pt: (damaged|holds more than tensors)"):
        load_checkpoint(tmp_path / "a.pt")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "state, message",
    [
        ({"optimizer": {"groups": [{"lr": np.float64(0.1)}]}}, "optimizer.groups.0.lr is a numpy.float64: "),
        ({"place": (1, {2})}, "place.1 is a builtins.set: "),
        ({"losses": {np.int64(4): 0.1}}, r"a key of losses, np.int64\(4\), is a numpy.int64: "),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, state: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        save_checkpoint(tmp_path / "a.pt", state)
    assert not list(tmp_path.iterdir())


@contextmanager
def changed_file(path: Path, write: Callable[[BinaryIO, bytes], int]) -> Iterator["Changed"]:
    with write_atomically(path) as file:
        yield Changed(file, write)


class Changed:
    """A file that writes in its own way."""

    def __init__(self, file: BinaryIO, write: Callable[[BinaryIO, bytes], int]) -> None:
        self.file = file
        self.write = lambda data: write(file, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def use(write: Callable[[BinaryIO, bytes], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_file, "write_atomically", lambda path: changed_file(path, write))


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [0, 500, 1300])
def test_what_went_wrong_in_writing_is_what_is_raised(
    path: Path, error: BaseException, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: BinaryIO, data: bytes) -> int:
        if file.tell() >= at:
            raise error
        return file.write(data)

    use(fail, monkeypatch)
    with pytest.raises(type(error)) as caught:
        save_checkpoint(path, {"weights": torch.ones(100)})
    assert caught.value is error
    assert [file.name for file in path.parent.iterdir()] == ["a.pt"]
    assert load_checkpoint(path)["place"] == {"epoch": 1, "share": 2.5}


def test_a_disk_that_does_not_keep_what_it_is_given_is_found_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(file: BinaryIO, data: bytes) -> int:
        return file.write(bytes(len(data)) if len(data) == 400 else data)

    use(forget, monkeypatch)
    with pytest.raises(OSError, match="what was written is not what is read back"):
        save_checkpoint(path, {"weights": torch.ones(100)})
    assert load_checkpoint(path)["place"] == {"epoch": 1, "share": 2.5}
