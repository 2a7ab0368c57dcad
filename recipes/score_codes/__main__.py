"""Score generated codes beside real ones: are they as varied, as long, as silent, and not learnt by heart?

    python -m recipes.score_codes generated/ --training tokens/train --real tokens/test -o exp/codes
    python -m recipes.score_codes made/ --training tokens/train --real tokens/test -o exp/codes --model exp/a/model
    python -m recipes.score_codes new/ --training tokens/train --real tokens/test -o exp/codes --prior music-chorales
    python -m recipes.score_codes exp/tts1/scores/codes --training tokens/train tokens/test --training-list \
        data/tts1/symbols_train.parquet --real tokens/train tokens/test -o exp/codes

GENERATED, --training and --real are folders of .avq files (as `audiovq encode` writes them) or token tables (as
`audiovq tokenize` does), all by one tokenizer. Measured of generated, real and random codes alike: Fréchet distance to
one half of the training codes in the space of their latents (beside that of the other half), entropy, n-gram
repetition, holds, length and silence ratio, and, to find what is memorised, the longest run that training has too and
the nearest window of training; with --prior what they cost under a music prior, in bits per second of audio (under a
speech prior: recipes.generate). When every generated item has a real one of its name, these are the real ones; else
some are drawn, and of longer ones a random stretch of the generated ones' median length is taken. Writes
OUT/summary.json, with a list of all items, and OUT/RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress

import audiovq
from audiovq.codes import CodesError
from audiovq.system.files import remove_unfinished, write_atomically
from recipes.score_codes.frechet import distances_to, embeddings
from recipes.score_codes.reading import check_same_model, cut_to, draw, halves, open_codes, random_codes
from recipes.score_codes.scores import Ruler, open_prior, score_items, summarise
from recipes.score_codes.table import markdown


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    given = _parser().parse_args(words)
    torch.set_num_threads(given.threads)
    try:
        summary = score_codes(given, shlex.join(["python", "-m", "recipes.score_codes", *words]))
    # What the codes, the tables or the model are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"score_codes: {error}", file=sys.stderr)
        return 2
    text = markdown(summary)
    given.out.mkdir(parents=True, exist_ok=True)
    remove_unfinished(given.out)
    content = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, written in (("summary.json", content), ("RESULTS.md", text)):
        with write_atomically(given.out / name) as file:
            file.write(written.encode())
    Console().print(Markdown(text))
    return 0


def score_codes(given: argparse.Namespace, command: str) -> dict[str, Any]:
    """Everything there is to say. Raises: ValueError when the codes are of different models, or there are none."""
    generated = draw(open_codes([given.generated]), given.num_items, given.seed)
    seconds = statistics.median(codes.duration_seconds for codes in generated.values())
    real = open_codes(given.real, given.real_list) if given.real else {}
    held_out = {name: real[name] for name in generated if name in real}
    if len(held_out) < len(generated):
        held_out = cut_to(draw(real, given.num_items, given.seed), seconds, given.seed)
    training = draw(open_codes(given.training, given.training_list), 0, given.seed)
    any_codes = check_same_model({"generated": generated, "real": held_out, "training": training})
    tokenizer = audiovq.load(given.model or any_codes.model.split("@")[0])
    if tokenizer.model_id != any_codes.model:
        raise CodesError(
            f"the codes are by {any_codes.model}, the tokenizer is {tokenizer.model_id}: name the right one by --model"
        )
    groups = {"generated": generated, **({"real": held_out} if held_out else {})}
    groups["noise"] = random_codes(generated, given.seed)
    # As many training items as can be needed: embeddings are compared in equal numbers.
    most = max(map(len, groups.values())) * 4
    reference, other = (
        cut_to(draw(half, most, given.seed), seconds, given.seed) for half in halves(training, given.seed)
    )
    embedded = {
        name: embeddings(list(group.values()), tokenizer, given.window_seconds)
        for name, group in {"reference": reference, **groups, "training": other}.items()
        if group
    }
    num_windows, distances = distances_to(embedded.pop("reference"), embedded, given.seed)
    ruler = Ruler(
        list(training.values()),
        given.window_seconds,
        given.n,
        None if given.no_sound else tokenizer,
        None if given.prior is None else open_prior(given.prior, tokenizer.model_id),
    )
    places = {name: getattr(given, name) for name in ("real", "training")}
    summary: dict[str, Any] = {
        "command": command,
        "subject": {
            "generated": str(given.generated),
            **{name: None if found is None else " ".join(map(str, found)) for name, found in places.items()},
            "model": any_codes.model,
            "prior": given.prior,
            "n": given.n,
            "window_seconds": given.window_seconds,
        },
        "num_training": len(training),
        "training_seconds": sum(codes.duration_seconds for codes in training.values()),
        "num_windows": num_windows,
        "items": {},
    }
    for name, group in groups.items():
        recorded = {item: real[item] for item in group if name == "generated" and item in real}
        with _progress(name, len(group)) as tell:
            items = score_items(group, recorded, replace(ruler, tokenizer=None) if name == "noise" else ruler, tell)
        summary[name] = summarise(items, list(group.values()), distances[name])
        summary["items"][name] = items
    if other:
        levels = [{"frechet_distance": distance} for distance in distances["training"]]
        summary["training"] = {"num_items": len(other), "levels": levels}
    return summary


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m recipes.score_codes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generated", type=Path, metavar="GENERATED", help="a folder of .avq files, or a token table")
    parser.add_argument(
        "--training", type=Path, nargs="+", required=True, metavar="CODES", help="what the generator learnt from"
    )
    parser.add_argument("--training-list", type=Path, metavar="FILE", help="their names, if not all")
    parser.add_argument("--real", type=Path, nargs="+", metavar="CODES", help="real codes that it has not learnt from")
    parser.add_argument(
        "--real-list",
        type=Path,
        metavar="FILE",
        help="their names, if not all: utt_id of a .parquet, or the first words of lines",
    )
    parser.add_argument("--prior", metavar="NAME|DIR", help="a music prior: also score how likely it finds the codes")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT")
    parser.add_argument("--model", metavar="NAME|DIR", help="the codes' tokenizer, if it is not a bundled one")
    parser.add_argument(
        "--num-items", type=int, default=200, metavar="N", help="of each, evenly drawn; 0 takes all (default: 200)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the draws (default: 1)")
    parser.add_argument("--n", type=int, default=4, metavar="N", help="frames of an n-gram (default: 4)")
    parser.add_argument("--window-seconds", type=float, default=2.0, metavar="S", help="(default: 2)")
    parser.add_argument("--no-sound", action="store_true", help="decode nothing: faster, without the silence ratio")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="(default: 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
