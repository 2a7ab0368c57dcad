"""Codes from where they lie, .avq files below a folder or token tables, and codes that say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from audiovq.codes import Codes, CodesError
from audiovq.tokens import TokenTable
from audiovq.tokens.manifest import MANIFEST


class _AvqFolder(Mapping[str, Codes]):
    """The .avq files below a folder, by their paths without suffix; each is read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.rglob("*.avq"))
        self._files = {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __getitem__(self, name: str) -> Codes:
        return Codes.load(self._files[name])


class _Chosen(Mapping[str, Codes]):
    """Codes of several places, those that are named or all."""

    def __init__(self, places: Mapping[str, Mapping[str, Codes]], names: set[str] | None) -> None:
        self._place: dict[str, Mapping[str, Codes]] = {}
        for place, codes in places.items():
            for name in codes:
                if names is not None and name not in names:
                    continue
                if name in self._place:
                    raise CodesError(f"{place}: {name} is in another of the places too, expected each once")
                self._place[name] = codes

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __getitem__(self, name: str) -> Codes:
        return self._place[name][name]


def open_codes(places: Sequence[Path], names: Path | None = None) -> Mapping[str, Codes]:
    """All codes of token tables, and of folders of .avq files, by name; or those that a list names.

    Raises: CodesError when there are none, or two of a name; TokenTableError for a damaged table.
    """
    chosen = None if names is None else listed(names)
    found = _Chosen({str(place): _open(place) for place in places}, chosen)
    if not found:
        raise CodesError(f"{', '.join(map(str, places))}: there is nothing that {names} names")
    return found


def _open(place: Path) -> Mapping[str, Codes]:
    if (place / MANIFEST).is_file():
        return TokenTable(place)
    found = _AvqFolder(place)
    if not found:
        raise CodesError(f"{place}: expected a token table, or a folder with .avq files")
    return found


def listed(path: Path) -> set[str]:
    """The utt_id of each row of a parquet file, or the first word of each line of a text, as of a wav.scp."""
    if path.suffix == ".parquet":
        return set(pq.read_table(path, columns=["utt_id"])["utt_id"].to_pylist())
    return {line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}


def draw(codes: Mapping[str, Codes], most: int, seed: int) -> dict[str, Codes]:
    """So many of them, evenly drawn, in the order of their names; 0 takes all."""
    names = sorted(codes)
    if 0 < most < len(names):
        names = sorted(np.random.default_rng(seed).choice(names, most, replace=False).tolist())
    return {name: codes[name] for name in names}


def halves(codes: Mapping[str, Codes], seed: int) -> tuple[dict[str, Codes], dict[str, Codes]]:
    """Of the items, one half and the other; of a single one the other has none."""
    first = draw(codes, -(-len(codes) // 2), seed)
    return first, {name: each for name, each in codes.items() if name not in first}


def random_codes(group: Mapping[str, Codes], seed: int) -> dict[str, Codes]:
    """For each item one of its length, whose codes are drawn evenly from their codebooks."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for name, codes in group.items():
        parts = zip(codes.levels, codes.codebook_sizes, strict=True)
        levels = [torch.randint(size, level.shape, generator=generator) for level, size in parts]
        drawn[name] = replace(codes, levels=tuple(levels))
    return drawn


def cut_to(group: Mapping[str, Codes], seconds: float, seed: int) -> dict[str, Codes]:
    """Of each that is longer a random stretch of that length: what is long repeats more, and has longer runs."""
    random = np.random.default_rng(seed)
    cut = {}
    for name, codes in group.items():
        num_coarse = codes.levels[0].shape[1]
        kept = max(1, round(seconds * codes.frame_rates[0]))
        start = int(random.integers(0, max(0, num_coarse - kept) + 1))
        cut[name] = codes if kept >= num_coarse else codes.stretch(start, kept)
    return cut


def check_same_model(groups: Mapping[str, Mapping[str, Codes]]) -> Codes:
    """Any of them. Raises: CodesError when two were made by different models, or have other numbers of channels."""
    first: tuple[str, Codes] | None = None
    for group, codes in groups.items():
        for name, each in codes.items():
            first = first or (f"{group} {name}", each)
            if (each.model, each.num_channels) != (first[1].model, first[1].num_channels):
                raise CodesError(
                    f"{first[0]} is by {first[1].model} in {first[1].num_channels} channel(s), {group} {name} by "
                    f"{each.model} in {each.num_channels}: codes can only be compared with codes of the same kind"
                )
    if first is None:
        raise CodesError("there are no codes")
    return first[1]


def frames(codes: Codes, level: int) -> np.ndarray:
    """The codes of a level with a row for each frame. Shape: (N_l, C * K_l)."""
    return codes.levels[level].T.numpy()


def all_frames(group: Sequence[Codes], level: int) -> list[np.ndarray]:
    """Of each of them."""
    return [frames(codes, level) for codes in group]
