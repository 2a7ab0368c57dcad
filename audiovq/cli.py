"""The audiovq command: its arguments and exit codes."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import audiovq
from audiovq import commands
from audiovq.arguments import DEFAULT_MODEL, add_command, device, positive
from audiovq.audio.io import WRITABLE_SUFFIXES
from audiovq.commands import Batch
from audiovq.conversions import Decode
from audiovq.data_commands import add_data_parser
from audiovq.jobs import UsageError
from audiovq.music_commands import add_generate_parser
from audiovq.report_command import add_report_parser
from audiovq.speech_commands import add_speak_parser
from audiovq.terminal import complain
from audiovq.token_commands import add_token_parsers
from audiovq.tokenizer import ModelError

FORMATS = sorted(suffix.removeprefix(".") for suffix in WRITABLE_SUFFIXES)
_Layout = argparse.RawDescriptionHelpFormatter

DESCRIPTION = """\
Turns speech and music into discrete codes, and codes back into sound.

Exit codes: 0 done; 1 some inputs failed (each named on stderr, the others done); 2 wrong usage; 130 interrupted."""

MODELS_EXAMPLES = """\
examples:
  audiovq models"""

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

INFO_EXAMPLES = """\
examples:
  audiovq info talk.avq
  audiovq info speech-16k
  audiovq info my_model/"""

RECONSTRUCT_EXAMPLES = """\
examples:
  audiovq reconstruct talk.mp3 -o talk_decoded.wav
  audiovq reconstruct talk.mp3 -o coarse.flac --levels 1"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; as argparse does, --help and unknown arguments leave by SystemExit."""
    arguments = _parser().parse_args(argv)
    try:
        exit_code: int = arguments.command(arguments)
    except (UsageError, ModelError) as error:
        return complain(str(error), exit_code=2)
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}", exit_code=1)
    except KeyboardInterrupt:
        return complain("interrupted: outputs are whole or absent, and the same call goes on from here", exit_code=130)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("audiovq", description=DESCRIPTION, formatter_class=_Layout)
    parser.add_argument("--version", action="version", version=f"audiovq {audiovq.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    add = partial(add_command, subparsers)
    add("models", "list the bundled tokenizers, vocoders and priors", MODELS_EXAMPLES, lambda _: commands.models())

    encode = add(
        "encode",
        "sound files to .avq files",
        ENCODE_EXAMPLES,
        lambda given: commands.encode(_batch(given), given.model, given.device),
    )
    _add_batch(encode, "sound files, folders of them (with what is below), or quoted patterns")
    _add_model(encode, DEFAULT_MODEL)

    decode = add(
        "decode",
        ".avq files to sound files",
        DECODE_EXAMPLES,
        lambda given: commands.decode(
            _batch(given), Decode(given.model, given.device, given.vocoder, given.levels), given.format
        ),
    )
    _add_batch(decode, ".avq files, folders of them (with what is below), or quoted patterns")
    _add_model(decode, None)
    _add_decoding(decode)
    decode.add_argument("--format", choices=FORMATS, help="of the files in a folder (default: wav)")

    info = add("info", "what an .avq file or a model holds", INFO_EXAMPLES, lambda given: commands.info(given.name))
    info.add_argument("name", metavar="FILE.avq|MODEL", help="an .avq file, a bundled model, or a model's folder")

    reconstruct = add(
        "reconstruct",
        "encode and decode one sound file, and print its bit rate and the speed",
        RECONSTRUCT_EXAMPLES,
        lambda given: commands.reconstruct(
            given.source, given.out, given.model, given.device, given.vocoder, given.levels
        ),
    )
    reconstruct.add_argument("source", metavar="IN", type=Path, help="a sound file")
    reconstruct.add_argument("-o", dest="out", metavar="OUT.wav", type=Path, required=True, help="a .wav or .flac file")
    _add_model(reconstruct, DEFAULT_MODEL)
    _add_decoding(reconstruct)
    add_data_parser(subparsers)
    add_token_parsers(subparsers)
    add_speak_parser(subparsers)
    add_generate_parser(subparsers)
    add_report_parser(subparsers)
    return parser


def _add_batch(parser: argparse.ArgumentParser, inputs: str) -> None:
    parser.add_argument("inputs", metavar="IN", nargs="+", help=inputs)
    out = "a folder, in which folders given as IN keep their structure; or a file, when there is one input"
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help=out)
    jobs = "processes that share the work and the cores (default: 1)"
    parser.add_argument("--jobs", metavar="N", type=positive, default=1, help=jobs)
    parser.add_argument("--overwrite", action="store_true", help="redo outputs that exist (default: skip them)")


def _batch(given: argparse.Namespace) -> Batch:
    return Batch(given.inputs, given.out, num_processes=given.jobs, overwrite=given.overwrite)


def _add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
    model = f"a bundled model or a model's folder (default: {default or 'the bundled one that made the codes'})"
    parser.add_argument("--model", metavar="NAME|DIR", default=default, help=model)
    parser.add_argument("--device", type=device, default="cpu", help="cpu, cuda or cuda:N (default: cpu)")


def _add_decoding(parser: argparse.ArgumentParser) -> None:
    levels = "decode the N coarsest levels alone (default: all)"
    parser.add_argument("--levels", metavar="N", type=positive, help=levels)
    vocoder = (
        "a bundled vocoder, a vocoder's folder, or griffin-lim, for models that decode to log-mels "
        "(default: the bundled one that fits, else griffin-lim)"
    )
    parser.add_argument("--vocoder", metavar="NAME|DIR", help=vocoder)


if __name__ == "__main__":
    sys.exit(main())
