"""Slices: pieces made from a corpus go into a training, those that come later too."""

import shutil
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from lhotse import load_manifest

from recipes import slices
from tests.recipes.tiny_run import noise_cuts


@pytest.fixture
def pieces(tmp_path: Path) -> Path:
    """A corpus of ten recordings in pieces of at most 40 KiB."""
    folder = tmp_path / "data"
    folder.mkdir()
    cuts = noise_cuts(folder)
    for split in ("train", "valid"):
        shutil.copy(cuts, folder / f"cuts_{split}.jsonl.gz")
    assert slices.main(["pack", str(folder), "-o", str(tmp_path / "pieces"), "--mebibytes", "0.04"]) == 0
    return tmp_path / "pieces"


def test_a_training_gets_what_the_pieces_hold(pieces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Mock:
        commands.append(command[1:])
        return Mock(returncode=75)

    monkeypatch.setattr(subprocess, "run", run)
    assert len(list(pieces.glob("piece-*.tar"))) > 2
    later = sorted(pieces.glob("piece-*.tar"))[-1]
    later.rename(later.with_suffix(".later"))
    out = pieces.parent / "unpacked"
    arguments = ["train", str(pieces), "-o", str(out), "--minutes", "9", "--", "experiment=e", "output_dir=o"]
    assert slices.main(arguments) == 75
    assert len(load_manifest(out / "cuts_train.jsonl.gz")) < 10
    later.with_suffix(".later").rename(later)
    assert slices.main(arguments) == 75
    assert len(load_manifest(out / "cuts_train.jsonl.gz")) == 10
    assert len(load_manifest(out / "cuts_valid.jsonl.gz")) == 10
    assert commands[0][:2] == ["-m", "recipes.train_tokenizer"]
    assert {"time_budget_minutes=9.0", "precision=bf16-mixed", "output_dir=o"} <= set(commands[0])
    assert f"data.train_cuts={out}/cuts_train.jsonl.gz" in commands[0]


def test_a_folder_without_pieces_says_how_to_make_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slices.main(["train", str(tmp_path), "-o", str(tmp_path / "data"), "--minutes", "1"]) == 1
    assert "holds no piece-*.tar: make them with `python -m recipes.slices pack`" in capsys.readouterr().err
