"""What a run leaves behind to be read: log.jsonl for programs, tensorboard for eyes and ears."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# From dark to light in even steps of lightness: RGB, in 0..1.
COLOURS = ((0.0, 0.0, 0.0), (0.35, 0.06, 0.52), (0.8, 0.25, 0.36), (0.98, 0.63, 0.18), (1.0, 1.0, 0.8))


class RunLog:
    """Writes folder/log.jsonl and folder/tensorboard. What has been written outlives a killed process.

    A run that goes on appends; of tensorboard's values, those behind `steps_done` are replaced by the new ones.

    Args:
        steps_done: of the state that the run starts from; 0 for a new run.
        active: False writes nothing, for all processes but the first.
    """

    def __init__(self, folder: Path, steps_done: int = 0, active: bool = True) -> None:
        self._lines: BinaryIO | None = None
        self._writer: SummaryWriter | None = None
        if active:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = _append_whole_lines(folder / "log.jsonl")
            self._writer = _summary_writer(folder / "tensorboard", steps_done)

    def event(self, kind: str, step: int, values: Mapping[str, object]) -> None:
        """Append {"event": kind, "step": step, **values}; a number that is not finite becomes null."""
        if self._lines is not None:
            line = json.dumps(_finite({"event": kind, "step": step, **values}), ensure_ascii=False, allow_nan=False)
            self._lines.write(f"{line}\n".encode())
            self._lines.flush()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def audio(self, step: int, name: str, wave: Tensor, sample_rate: int) -> None:
        """Shape: wave (1, T) in -1..1."""
        if self._writer is not None:
            heard = torch.nan_to_num(wave.float()).clamp(-1, 1)
            self._writer.add_audio(name, heard, step, sample_rate)
            self._writer.flush()

    def picture(self, step: int, name: str, matrix: Tensor) -> None:
        """A log-mel as a picture: the first row below, small values dark.

        Shape: matrix (M, N).
        """
        if self._writer is not None:
            self._writer.add_image(name, _coloured(matrix.float().cpu().flip(0)), step)
            self._writer.flush()

    def close(self) -> None:
        if self._lines is not None:
            self._lines.close()
        if self._writer is not None:
            self._writer.close()


def _append_whole_lines(path: Path) -> BinaryIO:
    """Open for appending, without the torn last line that a killed process may have left."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    return open(path, "ab")


def _summary_writer(folder: Path, steps_done: int) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        sys.stderr.write("tensorboard is not installed (pip install -e '.[train]'): the run goes on without it\n")
        return None
    # It hides older values from that step on; what was logged at the saved step itself is not logged again.
    return SummaryWriter(folder, purge_step=steps_done + 1)


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _coloured(matrix: Tensor) -> Tensor:
    """Shape: (M, N) to (3, M, N), its smallest value in the first colour and its largest in the last."""
    values = torch.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    colours = torch.tensor(COLOURS)
    place = (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny) * (len(colours) - 1)
    below = place.long().clamp(max=len(colours) - 2)
    return torch.lerp(colours[below], colours[below + 1], (place - below)[..., None]).permute(2, 0, 1)
