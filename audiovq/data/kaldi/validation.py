"""Everything that is wrong with a data directory, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from audiovq.data.kaldi.sound_checks import SoundRules, check_sounds, check_times
from audiovq.data.kaldi.tables import KINDS, Problem, Table, read_tables, sort_ids

NEEDED = ("wav.scp", "utt2spk", "spk2utt")


def validate(
    path: str | Path,
    sample_rate: int | None = None,
    *,
    num_channels: int = 1,
    check_files: bool = True,
    check_samples: bool = False,
) -> list[str]:
    """Everything that is wrong with a data directory and the sounds it names, a line each; empty if nothing is.

    Args:
        sample_rate: of all files; None: that of most of them.
        check_files: open every file.
        check_samples: also read every file to its end, and run the commands of wav.scp.
    """
    rules = SoundRules(sample_rate, num_channels, check_files=check_files or check_samples, check_samples=check_samples)
    return [str(problem) for problem in find_problems(Path(path), rules)[1]]


def find_problems(
    folder: Path, rules: SoundRules, required: Collection[str] = ()
) -> tuple[dict[str, Table], list[Problem]]:
    """The tables and their problems: all that Kaldi's utils/validate_data_dir.sh refuses, and more.

    Args:
        required: tables that must be there beside wav.scp, utt2spk and spk2utt.
    """
    problems: list[Problem] = []
    tables = read_tables(folder, problems, {*NEEDED, *required})
    problems += _check_recordings(tables)
    problems += _check_keys(tables)
    problems += _check_speakers(tables)
    seconds = check_sounds(tables["wav.scp"], rules, problems)
    problems += check_times(tables, seconds)
    return tables, problems


def _check_recordings(tables: dict[str, Table]) -> Iterator[Problem]:
    """With segments, those of recordings that are not there, and recordings without any."""
    if "segments" not in tables:
        return
    segments, scp = tables["segments"], tables["wav.scp"]
    used = set()
    for key, value in segments.rows.items():
        recording = value.split(None, 1)[0] if value else ""
        used.add(recording)
        if recording not in scp.rows and scp.rows:
            what = f"{key} is a part of {recording}, which is not in wav.scp"
            yield Problem("missing id", segments.where(key), what, ("segments", key))
    if segments.rows:
        for recording in scp.rows:
            if recording not in used:
                what = f"no segment is a part of {recording}"
                yield Problem("missing id", scp.where(recording), what, ("wav.scp", recording))


def _check_keys(tables: dict[str, Table]) -> Iterator[Problem]:
    """Tables with one kind of key must have the same keys."""
    base = {"recording": "wav.scp", "utterance": "segments" if "segments" in tables else "wav.scp"}
    for name, table in tables.items():
        kind = KINDS[name].keyed_by
        if kind == "speaker" or name == base[kind] or not table.rows:
            continue
        other = tables[base[kind]]
        if not other.rows or table.rows.keys() == other.rows.keys():
            continue
        for key in other.rows:
            if key not in table.rows:
                yield Problem("missing id", other.where(key), f"{key} is not in {name}")
        for key in table.rows:
            if key not in other.rows:
                yield Problem("missing id", table.where(key), f"{key} is not in {other.path.name}", (name, key))


def _check_speakers(tables: dict[str, Table]) -> Iterator[Problem]:
    utt2spk = tables["utt2spk"]
    for utterance, speaker in utt2spk.rows.items():
        if not utterance.startswith(speaker):
            what = f"{utterance} does not start with its speaker, {speaker}"
            yield Problem("speaker prefix", utt2spk.where(utterance), what)
    utterances = sort_ids(utt2spk.rows)
    speakers = [utt2spk.rows[utterance] for utterance in utterances]
    if speakers != sorted(speakers):
        what = "sorted by utterance it is not sorted by speaker: let ids begin with their speaker and a -"
        yield Problem("speaker order", str(utt2spk.path), what)
    spk2utt = tables["spk2utt"]
    if spk2utt.rows and utt2spk.rows:
        yield from _check_inverse(spk2utt, utterances, utt2spk)
    for name, table in tables.items():
        if KINDS[name].keyed_by == "speaker" and name != "spk2utt" and table.rows:
            known = set(speakers)
            for speaker in sort_ids(known - table.rows.keys()):
                yield Problem("missing id", str(table.path), f"{speaker} is missing, but utt2spk has it")
            for speaker in sort_ids(table.rows.keys() - known):
                yield Problem("missing id", table.where(speaker), f"{speaker} is not in utt2spk", (name, speaker))


def _check_inverse(spk2utt: Table, utterances: list[str], utt2spk: Table) -> Iterator[Problem]:
    inverse: dict[str, list[str]] = {}
    for utterance in utterances:
        inverse.setdefault(utt2spk.rows[utterance], []).append(utterance)
    for speaker, line in spk2utt.rows.items():
        if line.split() != inverse.pop(speaker, []):
            what = f"{speaker} has other utterances than in utt2spk, or in another order"
            yield Problem("inverse", spk2utt.where(speaker), what)
    for speaker in inverse:
        yield Problem("inverse", str(spk2utt.path), f"{speaker} is missing, but utt2spk has it")
