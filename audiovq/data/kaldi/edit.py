"""New data directories out of old ones: parts, draws, and several as one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from audiovq.data.kaldi.datadir import DataDir
from audiovq.data.kaldi.tables import KINDS, DataDirError, sort_ids

_SHOWN = 5


def split(data: DataDir, num_parts: int, *, per_speaker: bool = False) -> list[DataDir]:
    """Parts that are neighbours in the order of the ids, as equal as can be.

    Args:
        per_speaker: keep each speaker in one part.
    Raises: DataDirError when there are fewer utterances, or speakers, than parts.
    """
    groups = list(data.spk2utt.values()) if per_speaker else [[utterance] for utterance in data.ids]
    if not 1 <= num_parts <= len(groups):
        raise DataDirError(f"{len(groups)} {'speakers' if per_speaker else 'utterances'} do not make {num_parts} parts")
    total = sum(map(len, groups))
    parts, num_taken, position = [], 0, 0
    for num_left in reversed(range(num_parts)):
        part = list(groups[position])
        position += 1
        border = total * (num_parts - num_left) / num_parts
        while position < len(groups) - num_left and num_taken + len(part) + len(groups[position]) / 2 <= border:
            part += groups[position]
            position += 1
        num_taken += len(part)
        parts.append(data.select(part))
    return parts


def draw(data: DataDir, count: int, seed: int) -> DataDir:
    """So many utterances at random: the same on every machine, and more of them hold the fewer.

    Raises: DataDirError when there are not so many.
    """
    order = sorted(data.ids, key=lambda utterance: hashlib.sha256(f"{seed} {utterance}".encode()).digest())
    return data.select(_first(order, count))


def first(data: DataDir, count: int) -> DataDir:
    """The first utterances in the order of the ids.

    Raises: DataDirError when there are not so many.
    """
    return data.select(_first(data.ids, count))


def of_each_speaker(data: DataDir, count: int) -> DataDir:
    """The first utterances of each speaker, all of them where there are fewer."""
    return data.select([utterance for utterances in data.spk2utt.values() for utterance in utterances[:count]])


def combine(parts: Mapping[str, DataDir]) -> tuple[DataDir, list[str]]:
    """All utterances of several directories, and a note for each table that is left out since not all of them have it.

    Args:
        parts: the directories by the names that messages call them.
    Raises: DataDirError when two of them say different things about one id, or have an utterance in common.
        AudioError when segments are needed, and the length of a sound is not known and cannot be read.
    """
    if any(data.segments is not None for data in parts.values()):
        parts = {name: data if data.segments is not None else data.in_segments() for name, data in parts.items()}
    tables = {name: data.tables() for name, data in parts.items()}
    present = {table: [name for name in tables if table in tables[name]] for table in KINDS if table != "spk2utt"}
    rows, notes = {}, []
    for table, names in present.items():
        if len(names) == len(parts):
            rows[table] = _union(table, {name: tables[name][table] for name in names})
        elif names:
            lacking = ", ".join(name for name in parts if name not in names)
            notes.append(f"{table} is left out: {lacking} {'has' if len(parts) - len(names) == 1 else 'have'} none")
    return DataDir.from_rows(rows), notes


def _first(ids: list[str], count: int) -> list[str]:
    if count > len(ids):
        raise DataDirError(f"there are {len(ids)} utterances, not {count}")
    return ids[:count]


def _union(table: str, of: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    rows: dict[str, str] = {}
    clashes = []
    may_be_shared = KINDS[table].keyed_by != "utterance"
    for name, more in of.items():
        for key in sort_ids(rows.keys() & more.keys()):
            if not may_be_shared:
                clashes.append(f"{name}/{table}: {key} is in another directory too")
            elif rows[key] != more[key]:
                clashes.append(f"{name}/{table}: {key} has {more[key]!r}, in another directory {rows[key]!r}")
        rows.update(more)
    if clashes:
        others = [f"and {len(clashes) - _SHOWN} more"] if len(clashes) > _SHOWN else []
        raise DataDirError("\n".join([*clashes[:_SHOWN], *others]))
    return rows
