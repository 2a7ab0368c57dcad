"""The audiovq command: its subcommands and exit codes."""

import argparse
import sys
from collections.abc import Sequence

import audiovq
from audiovq.commands.arguments import UsageError
from audiovq.commands.codec import add_codec_parsers
from audiovq.commands.data import add_data_parser
from audiovq.commands.generate import add_generate_parser
from audiovq.commands.models import add_model_parsers
from audiovq.commands.report import add_report_parser
from audiovq.commands.speak import add_speak_parser
from audiovq.commands.terminal import complain
from audiovq.commands.tokens import add_token_parsers
from audiovq.tokenizer import ModelError

DESCRIPTION = """\
Turns speech and music into discrete codes, and codes back into sound.

Exit codes: 0 done; 1 some inputs failed (each named on stderr, the others done); 2 wrong usage; 130 interrupted."""


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
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("audiovq", description=DESCRIPTION, formatter_class=layout)
    parser.add_argument("--version", action="version", version=f"audiovq {audiovq.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    add_model_parsers(subparsers)
    add_codec_parsers(subparsers)
    add_data_parser(subparsers)
    add_token_parsers(subparsers)
    add_speak_parser(subparsers)
    add_generate_parser(subparsers)
    add_report_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
