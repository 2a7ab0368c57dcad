"""The commands `audiovq data ...`: Kaldi data directories on the command line."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiovq.arguments import add_command, positive
from audiovq.audio.io import AudioError
from audiovq.data.corpora.utterance import CorpusError
from audiovq.data.kaldi import DataDir, DataDirError, edit
from audiovq.data.kaldi.fixing import fix
from audiovq.data.kaldi.from_folder import from_folder
from audiovq.data.kaldi.sound_checks import SoundRules
from audiovq.data.kaldi.tables import KINDS, Problem
from audiovq.data.kaldi.validation import find_problems
from audiovq.jobs import UsageError
from audiovq.terminal import complain

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_SHOWN_PER_KIND = 20

EXAMPLES = """\
examples:
  audiovq data from-folder recordings/ -o data/all --language en
  audiovq data validate data/all                              # tables and headers of files
  audiovq data validate data/all --check-samples --sample-rate 16000 --require text
  audiovq data fix data/all --check-samples
  audiovq data fix data/all --prefix-speakers                 # when ids do not begin with their speakers
  audiovq data subset data/all -o data/small --random 1000 --seed 1
  audiovq data subset data/all -o data/two --spk-list speakers.txt
  audiovq data split data/all 8 -o data/all_split8            # data/all_split8/1 to 8
  audiovq data split data/all 2 -o data/halves --per-speaker
  audiovq data combine data/speech data/songs -o data/both
  audiovq data import recordings.jsonl.gz supervisions.jsonl.gz -o data/imported
  audiovq data import cuts.jsonl.gz -o data/imported
  audiovq data export data/all -o manifests/"""


def add_data_parser(subparsers: Subparsers) -> None:
    """Add the command `data` and its own commands."""
    summary = "check, mend, cut up and convert Kaldi data directories"
    layout = argparse.RawDescriptionHelpFormatter
    data = subparsers.add_parser("data", help=summary, description=summary, epilog=EXAMPLES, formatter_class=layout)
    commands = data.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, summary: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        of_command = [line for line in EXAMPLES.splitlines() if f" data {name} " in line]
        examples = "\n".join(["examples:", *of_command])
        return add_command(commands, name, summary, examples, lambda given: _run(command, given))

    validate = add("validate", "say everything that is wrong with a data directory and its sounds", _validate)
    _add_dir(validate)
    _add_rules(validate)
    required = "a table that must be there too, such as text; may be given again"
    validate.add_argument("--require", metavar="TABLE", action="append", default=[], choices=KINDS, help=required)

    mend = add("fix", "sort the tables and drop what is wrong; the old ones are kept in DIR/.backup", _fix)
    _add_dir(mend)
    _add_rules(mend)
    prefix = "put the speaker before the ids that do not start with their speaker"
    mend.add_argument("--prefix-speakers", action="store_true", help=prefix)

    split = add("split", "parts OUT/1 to OUT/N, neighbours in the order of the ids", _split)
    _add_dir(split)
    split.add_argument("num_parts", metavar="N", type=positive, help="how many parts")
    split.add_argument("--per-speaker", action="store_true", help="keep each speaker in one part")
    _add_out(split)

    subset = add("subset", "a data directory with some of the utterances", _subset)
    _add_dir(subset)
    which = subset.add_mutually_exclusive_group(required=True)
    which.add_argument("--first", metavar="N", type=positive, help="the first N utterances")
    which.add_argument("--random", metavar="N", type=positive, help="N utterances at random")
    which.add_argument("--per-speaker", metavar="N", type=positive, help="the first N utterances of each speaker")
    which.add_argument("--utt-list", metavar="FILE", type=Path, help="those of a file with an id on each line")
    which.add_argument(
        "--spk-list", metavar="FILE", type=Path, help="those of the speakers in a file, one on each line"
    )
    subset.add_argument("--seed", metavar="S", type=int, help="another draw for each S (default: 0)")
    _add_out(subset)

    combine = add("combine", "one data directory of several", _combine)
    combine.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a data directory")
    _add_out(combine)

    load = add("import", "a data directory out of manifests of lhotse", _import)
    manifests = "recordings and their supervisions, or cuts"
    load.add_argument("manifests", metavar="MANIFEST", nargs="+", type=Path, help=manifests)
    _add_out(load)

    export = add("export", "manifests of lhotse: recordings, supervisions and cuts", _export)
    _add_dir(export)
    _add_out(export)

    folder = add("from-folder", "a data directory of all sound files below a folder", _from_folder)
    words = "sound files, each with its words in a .txt file beside it, if there is one"
    folder.add_argument("folder", metavar="FOLDER", type=Path, help=words)
    speaker = "the speaker of all files (default: the folder of each)"
    folder.add_argument("--speaker", metavar="NAME", default="", help=speaker)
    folder.add_argument("--language", metavar="CODE", default="und", help="of all files (default: und, not known)")
    _add_out(folder)


def _add_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", type=Path, help="a data directory")


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help="a new or empty folder")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample-rate", metavar="HZ", type=positive, help="of all files (default: that of most)")
    parser.add_argument("--channels", metavar="C", type=positive, default=1, help="of all files (default: 1)")
    looks = parser.add_mutually_exclusive_group()
    samples = (
        "read all sounds to their ends, and run the commands of wav.scp: finds damage, NaN, clipping, silence, copies"
    )
    looks.add_argument("--check-samples", action="store_true", help=samples)
    looks.add_argument("--no-check-files", action="store_true", help="look at the tables alone, open no sound")
    everything = f"show every problem (default: {_SHOWN_PER_KIND} of each kind)"
    parser.add_argument("--all", dest="show_all", action="store_true", help=everything)


def _run(command: Callable[[argparse.Namespace], int], given: argparse.Namespace) -> int:
    out = getattr(given, "out", None)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out} is there and not empty: name a new folder")
    try:
        return command(given)
    except (AudioError, CorpusError, DataDirError) as error:
        return _complain_of(str(error).splitlines())


def _complain_of(lines: Iterable[str]) -> int:
    return max((complain(line, exit_code=1) for line in lines), default=0)


def _rules(given: argparse.Namespace) -> SoundRules:
    return SoundRules(given.sample_rate, given.channels, not given.no_check_files, given.check_samples)


def _validate(given: argparse.Namespace) -> int:
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
        if show_all or counts[problem.kind] <= _SHOWN_PER_KIND:
            complain(str(problem), exit_code=1)
    kinds = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    hidden = "" if show_all or max(counts.values()) <= _SHOWN_PER_KIND else "; --all shows every one"
    complain(f"{_counted(len(problems), 'problem')}: {kinds}{hidden}", exit_code=1)


def _fix(given: argparse.Namespace) -> int:
    fixed = fix(given.folder, _rules(given), prefix_speakers=given.prefix_speakers)
    if fixed.backup is None:
        print(f"{given.folder}: valid, nothing to do")
        return 0
    _show(fixed.problems, given.show_all)
    shown = fixed.dropped if given.show_all else fixed.dropped[:_SHOWN_PER_KIND]
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


def _split(given: argparse.Namespace) -> int:
    parts = edit.split(DataDir.load(given.folder), given.num_parts, per_speaker=given.per_speaker)
    for number, part in enumerate(parts, start=1):
        _save(part, given.out / str(number))
    return 0


def _subset(given: argparse.Namespace) -> int:
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
    return _complain_of(f"{path}: {name} is not in the data directory" for name in names if name not in known)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataDirError(f"{path}: not UTF-8: byte {error.object[error.start]:#04x} at {error.start + 1}") from error


def _combine(given: argparse.Namespace) -> int:
    if len({folder.resolve() for folder in given.folders}) < len(given.folders):
        raise UsageError("a directory is named twice: expected each one once")
    data, notes = edit.combine({str(folder): DataDir.load(folder) for folder in given.folders})
    _save(data, given.out)
    for note in notes:
        print(f"note: {note}")
    return 0


def _import(given: argparse.Namespace) -> int:
    from audiovq.data.kaldi.lhotse_import import from_manifests  # lhotse takes seconds to import

    _save(from_manifests(given.manifests), given.out)
    return 0


def _export(given: argparse.Namespace) -> int:
    from audiovq.data.kaldi.lhotse_export import write_manifests

    data = DataDir.load(given.folder)
    write_manifests(data, given.out)
    print(f"{given.out}: manifests of {_counted(len(data.ids), 'utterance')}")
    return 0


def _from_folder(given: argparse.Namespace) -> int:
    data, failures = from_folder(given.folder, given.speaker, given.language)
    _save(data, given.out)
    return _complain_of(failures)


def _save(data: DataDir, out: Path) -> None:
    data.save(out)
    speakers = _counted(len(set(data.utt2spk.values())), "speaker")
    print(f"{out}: {_counted(len(data.utt2spk), 'utterance')} of {speakers}")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
