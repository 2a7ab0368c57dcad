"""Parts of unfinished work are found again by the same request, and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from audiovq.music.unfinished import Unfinished, UnfinishedError, remove_parts


def test_parts_come_back_as_they_were(tmp_path: Path) -> None:
    parts = [torch.arange(6).view(2, 3), torch.tensor([[2**31 - 1]])]
    Unfinished(tmp_path / "work", {"seed": 1}).save("a", parts)
    again = Unfinished(tmp_path / "work", {"seed": 1})
    loaded = again.load("a")
    assert loaded is not None and all(map(torch.equal, loaded, parts)) and loaded[0].dtype == torch.int64
    assert again.load("b") is None


def test_a_damaged_part_is_made_anew(tmp_path: Path) -> None:
    work = Unfinished(tmp_path, {})
    work.save("a", [torch.zeros(3)])
    (tmp_path / "a.safetensors").write_bytes(b"{}")
    assert work.load("a") is None


def test_another_request_is_refused_and_nothing_lost(tmp_path: Path) -> None:
    Unfinished(tmp_path, {"seed": 1}).save("a", [torch.zeros(3)])
    with pytest.raises(UnfinishedError, match="other settings or models"):
        Unfinished(tmp_path, {"seed": 2})
    assert Unfinished(tmp_path, {"seed": 1}).load("a") is not None
    assert Unfinished(tmp_path, {"seed": 2}, restart=True).load("a") is None


def test_only_a_folder_of_parts_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/book.txt").touch()
    remove_parts(tmp_path / "mine")
    with pytest.raises(UnfinishedError):
        Unfinished(tmp_path / "mine", {})
    assert (tmp_path / "mine/book.txt").is_file()
    Unfinished(tmp_path / "parts", {})
    remove_parts(tmp_path / "parts")
    remove_parts(tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
