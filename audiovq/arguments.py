"""What the arguments of several audiovq commands have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch

DEFAULT_MODEL = "speech-16k"
Command = Callable[[argparse.Namespace], int]


def add_command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    examples: str,
    command: Command,
) -> argparse.ArgumentParser:
    """A subparser whose arguments are still to be added."""
    layout = argparse.RawDescriptionHelpFormatter
    subparser = subparsers.add_parser(
        name, help=summary, description=summary, epilog=examples, formatter_class=layout, allow_abbrev=False
    )
    subparser.set_defaults(command=command)
    return subparser


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return number


def device(text: str) -> str:
    """A device that is there."""
    try:
        kind = torch.device(text).type
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"expected a device such as cpu, cuda or cuda:1, got {text!r}") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError("this machine has no GPU that torch can use: take cpu")
    return text
