"""What the commands `audiovq data ...` do; each returns its exit code."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiovq.commands.arguments import UsageError
from audiovq.commands.terminal import complain
from audiovq.data.kaldi import DataDir, DataDirError, edit
from audiovq.data.kaldi.fixing import fix
from audiovq.data.kaldi.from_folder import from_folder
from audiovq.data.kaldi.sound_checks import SoundRules
from audiovq.data.kaldi.tables import Problem
from audiovq.data.kaldi.validation import find_problems

SHOWN_PER_KIND = 20  # problems


def complain_of(lines: Iterable[str]) -> int:
    """Say each line; the exit code, 1 if there is one."""
    return max((complain(line, exit_code=1) for line in lines), default=0)


def _rules(given: argparse.Namespace) -> SoundRules:
    return SoundRules(given.sample_rate, given.channels, not given.no_check_files, given.check_samples)


def validate(given: argparse.Namespace) -> int:
    """Say what is wrong."""
    tables, problems = find_problems(given.folder, _rules(given), given.require)
    if not problems:
        print(f"{given.folder}: valid, {_counted(len(tables['utt2spk'].rows), 'utterance')}")
        return 0
    _show(problems, given.show_all)
    return 1


def _show(problems: Sequence[Problem], show_all: bool) -> None:
    """Complain of problems, of so many of each kind, and say how many there are."""
    counts: Counter[str] = Counter()
    for problem in problems:
        counts[problem.kind] += 1
        if show_all or counts[problem.kind] <= SHOWN_PER_KIND:
            complain(str(problem), exit_code=1)
    kinds = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    hidden = "" if show_all or max(counts.values()) <= SHOWN_PER_KIND else "; --all shows every one"
    complain(f"{_counted(len(problems), 'problem')}: {kinds}{hidden}", exit_code=1)


def mend(given: argparse.Namespace) -> int:
    """Sort, and drop what is wrong; the tables before that are kept."""
    fixed = fix(given.folder, _rules(given), prefix_speakers=given.prefix_speakers)
    if fixed.backup is None:
        print(f"{given.folder}: valid, nothing to do")
        return 0
    _show(fixed.problems, given.show_all)
    shown = fixed.dropped if given.show_all else fixed.dropped[:SHOWN_PER_KIND]
    for utterance in shown:
        print(f"dropped {utterance}")
    print(
        f"{given.folder}: {_counted(fixed.num_kept, 'utterance')} kept, {len(fixed.dropped)} dropped; "
        f"the tables before that are in {fixed.backup}"
    )
    if not fixed.remaining:
        return 0
    complain("what is still wrong:", exit_code=1)
    _show(fixed.remaining, given.show_all)
    return 1


def split(given: argparse.Namespace) -> int:
    """Parts of the utterances or of the speakers."""
    parts = edit.split(DataDir.load(given.folder), given.num_parts, per_speaker=given.per_speaker)
    for number, part in enumerate(parts, start=1):
        _save(part, given.out / str(number))
    return 0


def subset(given: argparse.Namespace) -> int:
    """Some of the utterances."""
    if given.seed is not None and given.random is None:
        raise UsageError("--seed is for --random")
    data = DataDir.load(given.folder)
    if given.first:
        _save(edit.first(data, given.first), given.out)
    elif given.random:
        _save(edit.draw(data, given.random, given.seed or 0), given.out)
    elif given.per_speaker:
        _save(edit.of_each_speaker(data, given.per_speaker), given.out)
    else:
        return _save_listed(data, given.utt_list, given.spk_list, given.out)
    return 0


def _save_listed(data: DataDir, utt_list: Path | None, spk_list: Path | None, out: Path) -> int:
    known = {key: [key] for key in data.ids} if spk_list is None else data.spk2utt
    path = utt_list or spk_list
    assert path is not None
    # The first word, so that any table, such as utt2spk or spk2utt, is a list too.
    names = [line.split()[0] for line in _read_lines(path) if line.strip()]
    chosen = [utterance for name in names for utterance in known.get(name, [])]
    if not chosen:
        raise DataDirError(f"{path}: names nothing that is in the data directory")
    _save(data.select(chosen), out)
    return complain_of(f"{path}: {name} is not in the data directory" for name in names if name not in known)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataDirError(f"{path}: not UTF-8: byte {error.object[error.start]:#04x} at {error.start + 1}") from error


def combine(given: argparse.Namespace) -> int:
    """One of several."""
    if len({folder.resolve() for folder in given.folders}) < len(given.folders):
        raise UsageError("a directory is named twice: expected each one once")
    data, notes = edit.combine({str(folder): DataDir.load(folder) for folder in given.folders})
    _save(data, given.out)
    for note in notes:
        print(f"note: {note}")
    return 0


def import_manifests(given: argparse.Namespace) -> int:
    """From manifests of lhotse."""
    from audiovq.data.kaldi.lhotse_import import from_manifests  # lhotse takes seconds to import

    _save(from_manifests(given.manifests), given.out)
    return 0


def export_manifests(given: argparse.Namespace) -> int:
    """To manifests of lhotse."""
    from audiovq.data.kaldi.lhotse_export import write_manifests

    data = DataDir.load(given.folder)
    write_manifests(data, given.out)
    print(f"{given.out}: manifests of {_counted(len(data.ids), 'utterance')}")
    return 0


def import_folder(given: argparse.Namespace) -> int:
    """Of the sound files below a folder."""
    data, failures = from_folder(given.folder, given.speaker, given.language)
    _save(data, given.out)
    return complain_of(failures)


def _save(data: DataDir, out: Path) -> None:
    data.save(out)
    speakers = _counted(len(set(data.utt2spk.values())), "speaker")
    print(f"{out}: {_counted(len(data.utt2spk), 'utterance')} of {speakers}")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
