"""Codes from where they lie: .avq files below a folder, or a token table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

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


def open_codes(place: Path) -> Mapping[str, Codes]:
    """All codes of a token table, or of a folder of .avq files, by name.

    Raises: CodesError when there are none; TokenTableError for a damaged table.
    """
    if (place / MANIFEST).is_file():
        return TokenTable(place)
    found = _AvqFolder(place)
    if not found:
        raise CodesError(f"{place}: expected a token table, or a folder with .avq files")
    return found


def draw(codes: Mapping[str, Codes], most: int, seed: int) -> dict[str, Codes]:
    """So many of them, evenly drawn, in the order of their names; 0 takes all."""
    names = sorted(codes)
    if 0 < most < len(names):
        names = sorted(np.random.default_rng(seed).choice(names, most, replace=False).tolist())
    return {name: codes[name] for name in names}


def cut_to(group: Mapping[str, Codes], seconds: float, seed: int) -> dict[str, Codes]:
    """Of each that is longer a random stretch of that length: what is long repeats more, and has longer runs."""
    random = np.random.default_rng(seed)
    cut = {}
    for name, codes in group.items():
        num_coarse = codes.levels[0].shape[1]
        kept = max(1, round(seconds * codes.frame_rates[0]))
        start = int(random.integers(0, max(0, num_coarse - kept) + 1))
        cut[name] = codes if kept >= num_coarse else _stretch(codes, start, kept)
    return cut


def _stretch(codes: Codes, start: int, kept: int) -> Codes:
    """Shape: start and kept are frames of the coarsest level."""
    hop = codes.hop_lengths[0]
    factors = [hop // each for each in codes.hop_lengths]
    levels = [
        level[:, start * factor : (start + kept) * factor] for level, factor in zip(codes.levels, factors, strict=True)
    ]
    return replace(codes, levels=tuple(levels), num_samples=min(kept * hop, codes.num_samples - start * hop))


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
