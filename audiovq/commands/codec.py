"""The audiovq commands that turn sound into codes and back: their arguments, and what they do."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from audiovq.audio.io import AUDIO_SUFFIXES, WRITABLE_SUFFIXES
from audiovq.commands.arguments import (
    DEFAULT_MODEL,
    UsageError,
    add_command,
    add_jobs,
    add_model,
    positive,
)
from audiovq.commands.conversions import Decode, Encode, decode_to_file
from audiovq.commands.inputs import CODES_SUFFIX, Job, find_files, plan
from audiovq.commands.terminal import complain, print_fields, progress_bar
from audiovq.commands.workers import Task, run
from audiovq.pretrained import GRIFFIN_LIM, VOCODER, find, read_vocoder_card
from audiovq.tokenizer import Tokenizer, load_once

FORMATS = sorted(suffix.removeprefix(".") for suffix in WRITABLE_SUFFIXES)

ENCODE_EXAMPLES = """\
examples:
  audiovq encode talk.wav -o talk.avq
  audiovq encode corpus/ -o codes/ --jobs 4        # corpus/a/b.flac becomes codes/a/b.avq
  audiovq encode 'corpus/**/*.ogg' -o codes/ --model my_model/"""

DECODE_EXAMPLES = """\
examples:
  audiovq decode talk.avq -o talk.wav
  audiovq decode talk.avq -o coarse.wav --levels 1
  audiovq decode talk.avq -o plain.wav --vocoder griffin-lim
  audiovq decode codes/ -o decoded/ --format flac --jobs 4"""

RECONSTRUCT_EXAMPLES = """\
examples:
  audiovq reconstruct talk.mp3 -o talk_decoded.wav
  audiovq reconstruct talk.mp3 -o coarse.flac --levels 1"""


def add_codec_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add encode, decode and reconstruct."""
    encode = add_command(subparsers, "encode", "sound files to .avq files", ENCODE_EXAMPLES, _encode)
    _add_batch(encode, "sound files, folders of them (with what is below), or quoted patterns")
    add_model(encode, DEFAULT_MODEL)

    decode = add_command(subparsers, "decode", ".avq files to sound files", DECODE_EXAMPLES, _decode)
    _add_batch(decode, ".avq files, folders of them (with what is below), or quoted patterns")
    add_model(decode, None)
    _add_decoding(decode)
    decode.add_argument("--format", choices=FORMATS, help="of the files in a folder (default: wav)")

    summary = "encode and decode one sound file, and print its bit rate and the speed"
    reconstruct = add_command(subparsers, "reconstruct", summary, RECONSTRUCT_EXAMPLES, _reconstruct)
    reconstruct.add_argument("source", metavar="IN", type=Path, help="a sound file")
    reconstruct.add_argument("-o", dest="out", metavar="OUT.wav", type=Path, required=True, help="a .wav or .flac file")
    add_model(reconstruct, DEFAULT_MODEL)
    _add_decoding(reconstruct)


def _add_batch(parser: argparse.ArgumentParser, inputs: str) -> None:
    parser.add_argument("inputs", metavar="IN", nargs="+", help=inputs)
    out = "a folder, in which folders given as IN keep their structure; or a file, when there is one input"
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help=out)
    add_jobs(parser)
    parser.add_argument("--overwrite", action="store_true", help="redo outputs that exist (default: skip them)")


def _add_decoding(parser: argparse.ArgumentParser) -> None:
    levels = "decode the N coarsest levels alone (default: all)"
    parser.add_argument("--levels", metavar="N", type=positive, help=levels)
    vocoder = (
        "a bundled vocoder, a vocoder's folder, or griffin-lim, for models that decode to log-mels "
        "(default: the bundled one that fits, else griffin-lim)"
    )
    parser.add_argument("--vocoder", metavar="NAME|DIR", help=vocoder)


def _encode(given: argparse.Namespace) -> int:
    load_once(given.model, given.device)  # a wrong model is one mistake of the call, not one of each file
    return _work("encoded", Encode(given.model, given.device), given, sorted(AUDIO_SUFFIXES), [CODES_SUFFIX])


def _decode(given: argparse.Namespace) -> int:
    task = Decode(given.model, given.device, given.vocoder, given.levels)
    if task.model is not None:
        _check_levels(load_once(task.model, task.device, task.vocoder), task.levels)
    elif task.vocoder is not None and task.vocoder != GRIFFIN_LIM:
        read_vocoder_card(find(task.vocoder, VOCODER))  # this too is one mistake of the call
    suffixes = list(WRITABLE_SUFFIXES) if given.format is None else [f".{given.format}"]
    return _work("decoded", task, given, [CODES_SUFFIX], suffixes)


def _reconstruct(given: argparse.Namespace) -> int:
    source, out, levels = given.source, given.out, given.levels
    if out.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(f"-o {out}: name a file that ends in {' or '.join(WRITABLE_SUFFIXES)}")
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"-o {out} is the input: name another file")
    tokenizer = load_once(given.model, given.device, given.vocoder)
    _check_levels(tokenizer, levels)

    def task(job: Job) -> None:
        start = time.perf_counter()
        codes = tokenizer.encode(job.source)
        middle = time.perf_counter()
        decode_to_file(tokenizer, codes, levels, job.target)
        end = time.perf_counter()
        used, seconds = codes.prefix(levels or codes.num_levels), codes.duration_seconds
        print_fields(
            {
                "model": codes.model,
                "levels": f"{used.num_levels} of {codes.num_levels}",
                "seconds": f"{seconds:.2f}",
                "bits per second": f"{used.bits_per_second:.6g}",
                "vocoder": tokenizer.vocoder_name or "none",
                "encoding": f"{seconds / (middle - start):.1f} seconds of audio per second",
                "decoding": f"{seconds / (end - middle):.1f} seconds of audio per second",
            }
        )

    failure = next(run(task, [Job(source, out)], num_processes=1))
    return 0 if failure is None else complain(failure, exit_code=1)


def _work(
    verb: str, task: Task, given: argparse.Namespace, in_suffixes: Sequence[str], out_suffixes: Sequence[str]
) -> int:
    places, failures = find_files(given.inputs, in_suffixes)
    jobs, clashes = plan(places, given.out, out_suffixes)
    todo = [job for job in jobs if given.overwrite or not job.is_done()]
    failures += clashes
    for failure in failures:
        complain(failure, exit_code=1)
    num_done = 0
    with progress_bar(verb) as progress, closing(run(task, todo, given.jobs)) as outcomes:
        for outcome in progress.track(outcomes, total=len(todo)):
            if outcome is None:
                num_done += 1
            else:
                failures.append(outcome)
                complain(outcome, exit_code=1)
    skipped = f", skipped {len(jobs) - len(todo)} that exist (--overwrite redoes them)" if len(todo) < len(jobs) else ""
    failed = f", {len(failures)} failed" if failures else ""
    return complain(f"{verb} {num_done}{skipped}{failed}", exit_code=1 if failures else 0)


def _check_levels(tokenizer: Tokenizer, levels: int | None) -> None:
    if levels is not None and levels > tokenizer.num_levels:
        raise UsageError(f"--levels {levels}: {tokenizer.name} has {tokenizer.num_levels}")
