"""Checkpoints that survive a crash at any moment: written aside, flushed, then renamed; the last two are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

FORMAT_VERSION = 1
KEEP = 2


class CheckpointError(ValueError):
    """A checkpoint that cannot be used, with the reason."""


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write ``folder/step-<step>.pt`` atomically and delete all but the last two."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.pt"
    aside = path.with_suffix(".tmp")
    try:
        with open(aside, "wb") as file:
            torch.save({"format_version": FORMAT_VERSION, "step": step, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    for old in checkpoints(folder)[:-KEEP]:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*.pt"))


def load_checkpoint(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only, never code.

    Raises: CheckpointError when the file is unreadable or of another format version.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({type(error).__name__}: {error})") from error
    version = state.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"{path}: written in format version {version}, this audiovq reads {FORMAT_VERSION}")
    return state
