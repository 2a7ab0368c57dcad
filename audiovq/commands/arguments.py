"""What the arguments of several audiovq commands have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import fields

import torch

from audiovq.priors.sampling import RANKINGS, Sampling

DEFAULT_MODEL = "speech-16k"
Command = Callable[[argparse.Namespace], int]

# How the settings of sampling are explained that mean the same to all commands.
_TOLD = {
    "temperature": "of the coarsest codes; 0 takes the likeliest",
    "fine_temperature": "of the finer codes",
    "top_k": "draw from the K likeliest codes alone; 0 is off",
    "top_p": "draw from the likeliest codes that make up this share",
    "min_p": "draw from codes at least this likely beside the likeliest",
    "repetition_window": "how many codes back repetitions are looked for; 0 is off",
    "repetition_share": "of that window that a code may make up before it is drawn again",
    "steps": "in which a masked prior fills in a level",
}


class UsageError(Exception):
    """A call that cannot be meant as it was written."""


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


def add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Which tokenizer, and where it works."""
    model = f"a bundled model or a model's folder (default: {default or 'the bundled one that made the codes'})"
    parser.add_argument("--model", metavar="NAME|DIR", default=default, help=model)
    parser.add_argument("--device", type=device, default="cpu", help="cpu, cuda or cuda:N (default: cpu)")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """In how many processes."""
    jobs = "processes that share the work and the cores (default: 1)"
    parser.add_argument("--jobs", metavar="N", type=positive, default=1, help=jobs)


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


def explained(own: Mapping[str, str]) -> dict[str, str]:
    """Fields of Sampling in their order, with how they are explained: a command's own, and those above."""
    told = {**_TOLD, **own}
    return {field.name: told[field.name] for field in fields(Sampling) if field.name in told}


def add_sampling(parser: argparse.ArgumentParser, usual: Sampling, told: Mapping[str, str]) -> None:
    """Add an argument for each field that is told of, with those of ``usual`` as the defaults."""
    for name, meaning in told.items():
        default = getattr(usual, name)
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar="BY" if name == "rank_by" else "N",
            type=type(default),
            default=default,
            choices=RANKINGS if name == "rank_by" else None,
            help=f"{meaning} (default: {default if isinstance(default, str) else format(default, 'g')})",
        )
