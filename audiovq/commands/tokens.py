"""The arguments of the audiovq commands about token tables; what the commands do is in token_tasks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from audiovq.commands.arguments import DEFAULT_MODEL, UsageError, add_command, add_jobs, add_model, positive

FORMATS = ("flat", "jsonl", "kaldi", "npy", "shar")

TOKENIZE = """\
the sounds of a corpus to a token table: parquet files with a row for each utterance

Call it again to go on after an interruption, with what was added to the data, and with what failed (OUT/failed.jsonl).
With --num-shards the corpus is shared out among calls, on one machine or on many that see OUT; then --merge makes the
table. It is the same to the last byte for any number of shards, processes and interruptions."""

TOKENIZE_EXAMPLES = """\
examples:
  audiovq tokenize data/train -o tokens/train --jobs 4     # a Kaldi data directory
  audiovq tokenize recordings/ -o tokens/mine              # a folder of sound files
  audiovq tokenize data/train -o tokens/train --num-shards 64 --shard-id 0    # and so on to 63, anywhere; then:
  audiovq tokenize data/train -o tokens/train --merge"""

STATS_EXAMPLES = """\
examples:
  audiovq stats tokens/train
  audiovq stats tokens/train --plot tokens/train.png"""

EXPORT_EXAMPLES = """\
formats:
  flat    one stream of tokens an utterance, each codebook with a range of its own, for plain language models
  jsonl   JSON lines
  kaldi   Kaldi's archives and tables
  npy     a .npy file for each utterance and level
  shar    lhotse Shar, in the folder shards: CutSet.from_shar(in_dir="exported/train/shards")
examples:
  audiovq export tokens/train -o exported/train --format kaldi"""

IMPORT_EXAMPLES = """\
examples:
  audiovq import exported/train -o tokens/again"""


def add_token_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add tokenize, stats, export and import."""
    title, _, _ = TOKENIZE.partition("\n")
    tokenize = add_command(subparsers, "tokenize", title, TOKENIZE_EXAMPLES, _refusing(_tokenize))
    tokenize.description = TOKENIZE
    tokenize.add_argument(
        "corpus", metavar="DATA", type=Path, help="a Kaldi data directory, or a folder of sound files"
    )
    tokenize.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help="the table's folder")
    add_model(tokenize, DEFAULT_MODEL)
    add_jobs(tokenize)
    batch = "utterances that a process gets at a time (default: 16)"
    tokenize.add_argument("--batch-size", metavar="B", type=positive, default=16, help=batch)
    shards = "do only one of so many shards of the corpus, and make no table yet"
    tokenize.add_argument("--num-shards", metavar="S", type=positive, help=shards)
    tokenize.add_argument("--shard-id", metavar="I", type=_not_negative, help="which shard, from 0")
    merge = "make the table of what the shards have done, and tokenise nothing"
    tokenize.add_argument("--merge", action="store_true", help=merge)

    summary = "hours, rates, use of the codebooks, duplicates and lengths of a token table"
    stats = add_command(subparsers, "stats", summary, STATS_EXAMPLES, _refusing(_stats))
    stats.add_argument("tokens", metavar="TOKENS", type=Path, help="a token table")
    stats.add_argument("--plot", metavar="OUT.png", type=Path, help="a .png, .pdf or .svg file to draw")

    summary = "a token table to another format"
    export = add_command(subparsers, "export", summary, EXPORT_EXAMPLES, _refusing(_export))
    export.add_argument("tokens", metavar="TOKENS", type=Path, help="a token table")
    export.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help="a folder to make")
    export.add_argument("--format", choices=FORMATS, required=True, help="see below")

    summary = "what export wrote to a token table again"
    importer = add_command(subparsers, "import", summary, IMPORT_EXAMPLES, _refusing(_import))
    importer.add_argument("source", metavar="EXPORTED", type=Path, help="a folder that export wrote, in any format")
    importer.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help="the table's folder")


Task = Callable[[ModuleType, argparse.Namespace], int]


def _refusing(task: Task) -> Callable[[argparse.Namespace], int]:
    """Give the task the module that works on tables; what is wrong with these, or a missing package, is wrong usage."""

    def command(given: argparse.Namespace) -> int:
        try:
            from audiovq.commands import token_tasks
        except ModuleNotFoundError as error:
            raise UsageError(str(error)) from error
        try:
            return task(token_tasks, given)
        except (token_tasks.TokenTableError, ModuleNotFoundError) as error:
            raise UsageError(str(error)) from error

    return command


def _tokenize(tasks: ModuleType, given: argparse.Namespace) -> int:
    if (given.shard_id is None) != (given.num_shards is None):
        raise UsageError("--num-shards and --shard-id go together")
    if given.num_shards is not None and given.merge:
        raise UsageError("--merge is for all shards: call it without --num-shards when they are done")
    if given.num_shards is not None and given.shard_id >= given.num_shards:
        raise UsageError(
            f"--shard-id {given.shard_id}: of {given.num_shards} shards the last is {given.num_shards - 1}"
        )
    wanted = tasks.Tokenize(
        corpus=given.corpus,
        out=given.out,
        model=given.model,
        device=given.device,
        num_processes=given.jobs,
        batch_size=given.batch_size,
        num_shards=given.num_shards or 1,
        shard_id=given.shard_id,
        only_merge=given.merge,
    )
    return tasks.tokenize(wanted)


def _stats(tasks: ModuleType, given: argparse.Namespace) -> int:
    return tasks.stats(given.tokens, given.plot)


def _export(tasks: ModuleType, given: argparse.Namespace) -> int:
    return tasks.export(given.tokens, given.out, given.format)


def _import(tasks: ModuleType, given: argparse.Namespace) -> int:
    return tasks.import_export(given.source, given.out)


def _not_negative(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, got {text!r}")
    return int(text)
