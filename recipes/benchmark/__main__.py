"""How fast audiovq is, in tables of Markdown.

python -m recipes.benchmark speed [--model speech-16k] [--wav FILE] [--threads 2] [--repeats 5] [--out SPEED.md]
python -m recipes.benchmark vocoders [--vocoder NAME_OR_FOLDER ...] [--threads 1 2] [--repeats 5] [--out SPEED.md]
python -m recipes.benchmark train --variant device=cpu --variant device=cuda -- experiment=debian_speech_codec1
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from audiovq.pretrained import ModelError, vocoders
from recipes.benchmark.speed import speed
from recipes.benchmark.train import TrainingFailedError, train_speed
from recipes.benchmark.vocoders import vocoder_speed


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("speed", help="seconds of audio encoded and decoded per second")
    command.add_argument("--model", default="speech-16k", help="a bundled name or a folder")
    command.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_measure_options(command)
    command = commands.add_parser("vocoders", help="seconds of audio made of log-mels per second, beside HiFi-GAN V1")
    command.add_argument(
        "--vocoder", nargs="+", metavar="NAME_OR_FOLDER", help="bundled or your own (default: all that are bundled)"
    )
    command.add_argument("--threads", type=int, nargs="+", default=sorted({1, torch.get_num_threads()}))
    add_measure_options(command)
    command = commands.add_parser("train", help="seconds of audio heard per second of training")
    command.add_argument("--recipe", default="train_tokenizer")
    command.add_argument("--steps", type=int, default=40, help="steps measured, after as many that are not")
    command.add_argument(
        "--variant",
        action="append",
        metavar="SETTINGS",
        help="settings of one row, separated by blanks: 'device=cuda precision=16-mixed'; may be given several times",
    )
    add_out(command)
    command.add_argument("settings", nargs="*", help="settings of every row, after --")
    options = parser.parse_args(arguments)
    if options.command == "speed":
        text = speed(options.model, options.wav, options.seconds, options.threads, options.repeats)
    elif options.command == "vocoders":
        names = options.vocoder or [info.name for info in vocoders()]
        try:
            text = vocoder_speed(names, options.wav, options.seconds, options.threads, options.repeats)
        except ModelError as error:
            sys.exit(f"benchmark: {error}")
    else:
        try:
            text = train_speed(options.recipe, options.variant or [""], options.settings, options.steps)
        except TrainingFailedError as error:
            sys.exit(f"benchmark: {error}")
    print(text)
    if options.out is not None:
        options.out.write_text(text)


def add_measure_options(command: argparse.ArgumentParser) -> None:
    """What is measured on, how often, and where to."""
    command.add_argument("--wav", help="a file to measure on (its first channel) instead of a synthetic voice")
    command.add_argument("--seconds", type=float, default=10.0, help="length of the synthetic voice")
    command.add_argument("--repeats", type=int, default=5)
    add_out(command)


def add_out(command: argparse.ArgumentParser) -> None:
    """Where the table goes beside standard output."""
    command.add_argument("--out", type=Path, help="also write the table to this file")


if __name__ == "__main__":
    main()
