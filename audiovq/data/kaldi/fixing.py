"""A data directory without what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiovq.data.kaldi.datadir import DataDir
from audiovq.data.kaldi.sound_checks import SoundRules
from audiovq.data.kaldi.tables import KINDS, DataDirError, Problem, Table, parse_segment, sort_ids
from audiovq.data.kaldi.validation import find_problems
from audiovq.data.words import squeeze
from audiovq.system.files import write_atomically

_FIXED_BY_WRITING = ("cut off", "duplicate id")  # the first row of an id has been read already


@dataclass(frozen=True)
class Fixed:
    """What fix() did: the problems before and after, the utterances that went, and where the old tables are."""

    problems: list[Problem]
    remaining: list[Problem]
    dropped: list[str]
    num_kept: int
    backup: Path | None


def fix(folder: Path, rules: SoundRules, *, prefix_speakers: bool = False) -> Fixed:
    """Sort the tables, remove bad rows, and keep the utterances that are in every table.

    The old tables are copied to the folder .backup before the first is written. A valid directory is left alone.

    Args:
        prefix_speakers: put the speaker and a - before the ids that do not start with their speaker.
    Raises: DataDirError, with nothing changed, when a table cannot be read or nothing would be left.
    """
    tables, problems = find_problems(folder, rules)
    if not problems:
        return Fixed([], [], [], len(tables["utt2spk"].rows), None)
    can_be_made = str(folder / "spk2utt")
    unreadable = [problem for problem in problems if problem.kind == "missing table" and problem.where != can_be_made]
    if unreadable:
        raise DataDirError("\n".join(map(str, unreadable)))
    before = tables.get("segments", tables["wav.scp"]).rows.keys() | tables["utt2spk"].rows.keys()
    rows = _good_rows(tables, problems)
    dropped = sort_ids(before - rows["utt2spk"].keys())
    if not rows["utt2spk"]:
        nothing = f"{folder}: no utterance without a problem is in every table: nothing is changed"
        raise DataDirError("\n".join([*map(str, problems), nothing]))
    data = DataDir.from_rows(_with_prefixes(rows) if prefix_speakers else rows)
    backup = _back_up(folder, tables)
    data.save(folder)
    _, remaining = find_problems(folder, SoundRules(check_files=False))
    return Fixed(problems, remaining, dropped, len(data.ids), backup)


def _good_rows(tables: dict[str, Table], problems: list[Problem]) -> dict[str, dict[str, str]]:
    rows = {name: dict(table.rows) for name, table in tables.items() if name != "spk2utt"}
    for problem in problems:
        if problem.row is not None and problem.kind not in _FIXED_BY_WRITING:
            name, key = problem.row
            words = squeeze(rows.get(name, {}).get(key, ""))
            if name == "text" and problem.kind == "value" and KINDS[name].accepts(words):
                rows[name][key] = words
            else:
                rows.get(name, {}).pop(key, None)
    recordings = set.intersection(*(set(rows[name]) for name in rows if KINDS[name].keyed_by == "recording"))
    utterances = set.intersection(*(set(rows[name]) for name in rows if KINDS[name].keyed_by == "utterance"))
    if "segments" in rows:
        recording_of = {key: parse_segment(rows["segments"][key])[0] for key in utterances}
        utterances = {key for key in utterances if recording_of[key] in recordings}
        recordings = {recording_of[key] for key in utterances}
    else:
        utterances = recordings = utterances & recordings
    kept = {
        "utterance": utterances,
        "recording": recordings,
        "speaker": {rows["utt2spk"][utterance] for utterance in utterances},
    }
    return {
        name: {key: value for key, value in table.items() if key in kept[KINDS[name].keyed_by]}
        for name, table in rows.items()
    }


def _with_prefixes(rows: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The same tables with ids that start with their speakers."""
    speakers = rows["utt2spk"]
    new = {key: key if key.startswith(speakers[key]) else f"{speakers[key]}-{key}" for key in speakers}
    if len(set(new.values())) < len(new):
        taken = sort_ids(new[key] for key in new if new[key] != key and new[key] in new)
        raise DataDirError(f"with the speaker before it an id becomes another one that is there: {', '.join(taken)}")
    renamed = {"utterance"} if "segments" in rows else {"utterance", "recording"}
    return {
        name: {new[key]: value for key, value in table.items()} if KINDS[name].keyed_by in renamed else table
        for name, table in rows.items()
    }


def _back_up(folder: Path, names: Iterable[str]) -> Path:
    """Copy tables to a folder that is not there yet: .backup, or with a number when an earlier fix has made that."""
    taken = len(list(folder.glob(".backup*")))
    backup = folder / (f".backup{taken + 1}" if taken else ".backup")
    backup.mkdir()
    for name in names:
        if (folder / name).exists():
            with write_atomically(backup / name) as file:
                file.write((folder / name).read_bytes())
    return backup
