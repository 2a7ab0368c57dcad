"""What is done of a long piece of work: a folder of parts that the same request finds again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from audiovq.system.files import remove_unfinished, write_atomically

_REQUEST = "request.json"


class UnfinishedError(ValueError):
    """A folder that holds parts of something else."""


class Unfinished:
    """Parts by their names, each whole or absent, of what ``request`` describes, in plain values.

    Raises: UnfinishedError when the folder holds parts of another request, unless ``restart`` says to forget them.
    """

    def __init__(self, folder: Path, request: Mapping[str, object], restart: bool = False) -> None:
        self.folder = folder
        file = folder / _REQUEST
        text = json.dumps(request, indent=2) + "\n"
        if restart:
            remove_parts(folder)
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        is_other = file.read_text(encoding="utf-8") != text if file.is_file() else any(folder.iterdir())
        if is_other:
            raise UnfinishedError(
                f"{folder} holds unfinished parts of something made with other settings or models: repeat that call "
                "to finish it, or forget them with --restart (restart=True)"
            )
        if not file.exists():
            with write_atomically(file) as target:
                target.write(text.encode())

    def load(self, name: str) -> list[Tensor] | None:
        """A part, or None when there is none that can be read."""
        try:
            tensors = safetensors.torch.load_file(self._path(name))
        except (OSError, SafetensorError):
            return None
        return [tensors[str(number)].long() for number in range(len(tensors))]

    def save(self, name: str, parts: Sequence[Tensor]) -> None:
        """Keep a part, integers that fit into 32 bits."""
        tensors = {str(number): part.int().contiguous() for number, part in enumerate(parts)}
        with write_atomically(self._path(name)) as file:
            file.write(safetensors.torch.save(tensors))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def remove_parts(folder: Path) -> None:
    """Delete a folder of parts, if it is there: the work is done, or to be forgotten."""
    if (folder / _REQUEST).is_file():
        shutil.rmtree(folder)
