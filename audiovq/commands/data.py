"""The commands `audiovq data ...`: Kaldi data directories on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from audiovq.audio.io import AudioError
from audiovq.commands import data_tasks
from audiovq.commands.arguments import UsageError, add_command, positive
from audiovq.commands.data_tasks import SHOWN_PER_KIND
from audiovq.data.corpora.utterance import CorpusError
from audiovq.data.kaldi import DataDirError
from audiovq.data.kaldi.tables import KINDS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

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

    validate = add("validate", "say everything that is wrong with a data directory and its sounds", data_tasks.validate)
    _add_dir(validate)
    _add_rules(validate)
    required = "a table that must be there too, such as text; may be given again"
    validate.add_argument("--require", metavar="TABLE", action="append", default=[], choices=KINDS, help=required)

    mend = add("fix", "sort the tables and drop what is wrong; the old ones are kept in DIR/.backup", data_tasks.mend)
    _add_dir(mend)
    _add_rules(mend)
    prefix = "put the speaker before the ids that do not start with their speaker"
    mend.add_argument("--prefix-speakers", action="store_true", help=prefix)

    split = add("split", "parts OUT/1 to OUT/N, neighbours in the order of the ids", data_tasks.split)
    _add_dir(split)
    split.add_argument("num_parts", metavar="N", type=positive, help="how many parts")
    split.add_argument("--per-speaker", action="store_true", help="keep each speaker in one part")
    _add_out(split)

    subset = add("subset", "a data directory with some of the utterances", data_tasks.subset)
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

    combine = add("combine", "one data directory of several", data_tasks.combine)
    combine.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a data directory")
    _add_out(combine)

    load = add("import", "a data directory out of manifests of lhotse", data_tasks.import_manifests)
    manifests = "recordings and their supervisions, or cuts"
    load.add_argument("manifests", metavar="MANIFEST", nargs="+", type=Path, help=manifests)
    _add_out(load)

    export = add("export", "manifests of lhotse: recordings, supervisions and cuts", data_tasks.export_manifests)
    _add_dir(export)
    _add_out(export)

    folder = add("from-folder", "a data directory of all sound files below a folder", data_tasks.import_folder)
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
    everything = f"show every problem (default: {SHOWN_PER_KIND} of each kind)"
    parser.add_argument("--all", dest="show_all", action="store_true", help=everything)


def _run(command: Callable[[argparse.Namespace], int], given: argparse.Namespace) -> int:
    out = getattr(given, "out", None)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out} is there and not empty: name a new folder")
    try:
        return command(given)
    except (AudioError, CorpusError, DataDirError) as error:
        return data_tasks.complain_of(str(error).splitlines())
