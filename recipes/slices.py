"""A corpus in pieces small enough to carry, and a training that goes on in slices of time on whatever machine is there.

    python -m recipes.slices pack data/debian_speech -o slices --mebibytes 60
    python -m recipes.slices train slices -o data/slices --minutes 9 -- experiment=debian_speech_codec1 output_dir=exp/a

`pack` writes piece-000.tar and so on, each with its share of every voice, and valid.tar; FLAC, nothing is lost. `train`
unpacks what it is given and has not unpacked yet, and trains for so many minutes in bfloat16 on all of it; pieces may
come later one by one. The run is saved and goes on from there: on the same machine by the same command, on another when
output_dir has been carried there. What follows -- are settings of recipes.train_tokenizer, or of the recipe that
--recipe names. Exit codes are the recipe's: 75 means saved, and not at its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lhotse import load_manifest
from rich.progress import track

from audiovq.data.loader import spread
from audiovq.data.pieces import PieceError, mixed, pack, unpack

MEBIBYTE = 2**20
VALID = "valid"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(
        "python -m recipes.slices", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    packing = commands.add_parser("pack", help="write the pieces of a corpus")
    packing.add_argument("data", type=Path, help="the folder of cuts_train.jsonl.gz and cuts_valid.jsonl.gz")
    packing.add_argument("-o", dest="out", type=Path, required=True, help="the folder of the pieces")
    packing.add_argument("--mebibytes", type=float, default=60, help="of the largest piece (default: 60)")
    packing.add_argument("--valid-seconds", type=float, default=600, help="of the valid split (default: 600)")
    packing.set_defaults(command=lambda given: pack_corpus(given))
    training = commands.add_parser("train", help="unpack pieces and train on them for some minutes")
    training.add_argument("pieces", type=Path, help="the folder of the pieces")
    training.add_argument("-o", dest="out", type=Path, required=True, help="the folder to unpack into")
    training.add_argument("--minutes", type=float, required=True, help="after which the run is saved and ends")
    training.add_argument("--recipe", default="train_tokenizer", help="(default: train_tokenizer)")
    training.set_defaults(command=lambda given: train(given, words[split + 1 :]))
    given = parser.parse_args(words[:split])
    try:
        code: int = given.command(given)
    except (OSError, ValueError) as error:
        print(f"slices: {error}", file=sys.stderr)
        return 1
    return code


def pack_corpus(given: argparse.Namespace) -> int:
    """Write the train split in pieces, and a part of the valid split as one."""
    max_bytes = int(given.mebibytes * MEBIBYTE)
    train_cuts = mixed(load_manifest(given.data / "cuts_train.jsonl.gz"), seed=1)
    valid_cuts = list(spread(load_manifest(given.data / "cuts_valid.jsonl.gz").to_eager(), given.valid_seconds))
    for name, cuts in (("piece", train_cuts), (VALID, valid_cuts)):
        for path in pack(track(cuts, f"packing {name}"), given.out, max_bytes, name):
            print(f"{path}: {path.stat().st_size / MEBIBYTE:.1f} MiB")
    return 0


def train(given: argparse.Namespace, settings: Sequence[str]) -> int:
    """Unpack, and call the recipe; returns its exit code."""
    cuts = []
    for split, pattern in (("train", "piece-*.tar"), ("valid", f"{VALID}-*.tar")):
        pieces = sorted(given.pieces.glob(pattern))
        folder = given.out / split
        unpacked = unpack(pieces, folder)
        if not len(unpacked):
            raise PieceError(f"{given.pieces} holds no {pattern}: make them with `python -m recipes.slices pack`")
        print(f"{split}: {len(unpacked)} cuts, {sum(cut.duration for cut in unpacked) / 3600:.2f} hours")
        unpacked.to_file(given.out / f"cuts_{split}.jsonl.gz")
        cuts.append(f"data.{split}_cuts={given.out}/cuts_{split}.jsonl.gz")
    # Pieces that came since the last slice, or another place for them, change the run on purpose.
    allowed = "resume.allow=[data.train_cuts,data.valid_cuts]"
    budget = [f"time_budget_minutes={given.minutes}", "precision=bf16-mixed"]
    command = [sys.executable, "-m", f"recipes.{given.recipe}", *cuts, *budget, allowed, *settings]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
