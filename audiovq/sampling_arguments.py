"""The settings of sampling as arguments of the commands that speak and play."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields

from audiovq.priors.sampling import RANKINGS, Sampling

# How those are explained that mean the same to all commands.
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
