"""What can be used of a data directory whose tables are damaged."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from audiovq.data.kaldi.datadir import DataDir
from audiovq.data.kaldi.sounds import Sound
from audiovq.data.kaldi.tables import KINDS, DataDirError, Problem, Table, read_tables, sort_ids

_USED = ("wav.scp", "segments", "utt2spk", "text", "utt2lang")


def load_usable(folder: Path) -> tuple[DataDir, list[Sound]]:
    """The utterances whose rows say where their sounds are and what is known of them; the others, with what is wrong.

    Order, and what Kaldi does not want in a text, are no hindrance. Of the tables only those that say something about
    a token table's rows are read.

    Raises: DataDirError if wav.scp or utt2spk is not there, or any table is empty.
    """
    problems: list[Problem] = []
    tables = read_tables(folder, problems, ("wav.scp", "utt2spk"), _USED)
    missing = [problem for problem in problems if problem.kind == "missing table"]
    if missing:
        raise DataDirError("\n".join(map(str, missing)))
    rows = {name: table.rows for name, table in tables.items()}
    base = "segments" if "segments" in tables else "wav.scp"
    in_base = {problem.row[1] for problem in problems if problem.row and problem.row[0] == base}
    reasons = dict(_of_recordings(tables, _reasons(problems, "recording"), base)) | _reasons(problems, "utterance")
    unusable = sort_ids(key for key in reasons if key in rows[base] or key in in_base)
    sounds = [Sound(key, rows["wav.scp"].get(key, str(folder / base)), problem=reasons[key]) for key in unusable]
    for key in unusable:
        rows[base].pop(key, None)
    return DataDir.from_rows(rows), sounds


def row_places(folder: Path, ids: Collection[str]) -> dict[str, str]:
    """File and line of the rows that say where the sounds of these utterances are; of those alone that have one."""
    table = next((path for name in ("segments", "wav.scp") if (path := folder / name).is_file()), None)
    if table is None:
        return {}
    with table.open(encoding="utf-8", errors="replace") as lines:
        keys = enumerate((line.split(maxsplit=1)[:1] for line in lines), start=1)
        return {key[0]: f"{table}:{number}" for number, key in keys if key and key[0] in ids}


def _reasons(problems: list[Problem], keyed_by: str) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for problem in problems:
        if problem.row is not None and KINDS[problem.row[0]].keyed_by == keyed_by:
            name, key = problem.row
            if (name, problem.kind) != ("text", "value"):
                reasons.setdefault(key, str(problem))
    return reasons


def _of_recordings(tables: dict[str, Table], reasons: dict[str, str], base: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the recordings, for each utterance that needs them."""
    if base == "wav.scp":
        yield from reasons.items()
        return
    segments, recordings = tables["segments"], tables["wav.scp"].rows
    for utterance, value in segments.rows.items():
        recording = value.split(" ", 1)[0]
        if recording in reasons:
            yield utterance, reasons[recording]
        elif recording not in recordings:
            yield utterance, f"{segments.where(utterance)}: it is a part of {recording}, which is not in wav.scp"
