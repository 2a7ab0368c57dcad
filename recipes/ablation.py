"""Train and score the variants in configs/ablation and below, several seeds each, and lay them side by side.

    python -m recipes.ablation exp/debian_speech/ablation --data data/debian_speech
    python -m recipes.ablation exp/debian_speech/ablation --data data/debian_speech --variants fsq residual --seeds 1 2
    python -m recipes.ablation exp/debian_speech/augment --data data/debian_speech --variants augment/none augment/room
    python -m recipes.ablation exp/debian_speech/ablation --data data/debian_speech -- num_threads=1 total_steps=2000
    python -m recipes.ablation exp/structures --data data/debian_speech --structures --store results/structures.json
    python -m recipes.ablation exp/music --data data/debian_music --experiment debian_music_ablation --structures

The last two train this project's hierarchy beside those of SNAC (residual), EnCodec (single_rate) and, of speech,
Jukebox (independent) on the same data, for as many steps, at equal bits and parameters: structures are compared,
nothing else. The experiment says which model is varied, and what it is scored by.

Needs the data directories and cuts of a recipe's first stages. Each run lies in OUT/VARIANT/SEED; what is done is kept,
so the same command goes on where it stopped, and with more variants or seeds it adds to the table. What follows -- are
settings of recipes.train_tokenizer. Writes OUT/RESULTS.md: means over the seeds and their standard deviations, and
which variants failed. With --store the figures of the structures go into a file as well, of which
recipes.benchmark results makes a table.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from audiovq.metrics.registry import COLUMNS, DECODER_MEL
from audiovq.metrics.summary import Summary, table
from audiovq.system.files import write_atomically
from audiovq.train.preemption import EXIT_AGAIN

VARIANTS = Path(__file__).parents[1] / "configs" / "ablation"
METRICS = (DECODER_MEL, "stoi", "pesq_wb")


@dataclass(frozen=True)
class Experiment:
    """What is varied: the folder of its variants below VARIANTS, the scores in its tables, settings of evaluate."""

    folder: str = ""
    metrics: tuple[str, ...] = METRICS
    scoring: tuple[str, ...] = ()


EXPERIMENTS = {
    "debian_speech_ablation": Experiment(),
    "debian_music_ablation": Experiment(
        "music/",
        (DECODER_MEL, "mel_distance", "visqol_audio", "chroma_correlation"),
        ("metrics=[mel_distance,visqol_audio,chroma_correlation]", "most_seconds=10"),
    ),
}
STRUCTURES = {"conditional": "ours", "residual": "as SNAC", "independent": "as Jukebox", "single_rate": "as EnCodec"}


@dataclass(frozen=True)
class Run:
    """A trained and scored variant."""

    num_parameters: int
    summary: Summary
    terms: str  # on which it was trained

    @classmethod
    def load(cls, folder: Path) -> Run:
        card, settings, summary = (
            json.loads((folder / name).read_text())
            for name in ("model/config.json", "config.json", "scores/summary.json")
        )
        data = settings["data"]
        terms = f"{settings['total_steps']} steps of {data['batch_seconds']:g} s on {data['train_cuts']}"
        return cls(card["num_parameters"], summary, terms)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    split = words.index("--") if "--" in words else len(words)
    settings = words[split + 1 :]
    everything = sorted(str(path.relative_to(VARIANTS).with_suffix("")) for path in VARIANTS.rglob("*.yaml"))
    parser = argparse.ArgumentParser(
        "python -m recipes.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder of the runs")
    parser.add_argument("--data", type=Path, required=True, help="the folder of cuts_train.jsonl.gz and test/")
    parser.add_argument(
        "--experiment",
        choices=list(EXPERIMENTS),
        default=next(iter(EXPERIMENTS)),
        metavar="NAME",
        help=f"one of {', '.join(EXPERIMENTS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=everything,
        metavar="NAME",
        help=f"of {' '.join(everything)} (default: those in the experiment's own folder)",
    )
    parser.add_argument(
        "--structures",
        action="store_true",
        help=f"the variants {', '.join(f'{name} ({whose})' for name, whose in STRUCTURES.items())}, if there",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="N", help="(default: 1 2 3)")
    parser.add_argument("--num-utterances", type=int, default=120, metavar="N", help="to score on (default: 120)")
    parser.add_argument(
        "--store", type=Path, metavar="FILE.json", help="also write the structures' figures to this file"
    )
    given = parser.parse_args(words[:split])
    experiment = EXPERIMENTS[given.experiment]
    own = [name for name in everything if name.rpartition("/")[0] == experiment.folder.rstrip("/")]
    if given.structures:
        given.variants = [name for each in STRUCTURES if (name := experiment.folder + each) in own]
    given.variants = given.variants or own
    if others := [name for name in given.variants if _experiment_of(name) != given.experiment]:
        parser.error(f"no variants of {given.experiment}: {' '.join(others)}")
    failed: list[str] = []
    # All variants of one seed before the next: a table of what there is can be had early.
    for seed in given.seeds:
        for variant in given.variants:
            code = train_and_score(given, variant, seed, settings)
            if code == EXIT_AGAIN:
                return code
            if code != 0:  # a variant may well collapse: that too is a result, and the others go on
                failed.append(f"- {variant}, seed {seed}, ended with {code}: its log says why")
                print(f"ablation: {failed[-1]}", file=sys.stderr)
    done = {
        variant: [Run.load(path.parents[1]) for path in paths]
        for variant in everything
        if _experiment_of(variant) == given.experiment
        and (paths := sorted(given.out.glob(f"{variant}/*/scores/summary.json")))
    }
    tables = markdown(done, experiment.metrics) if done else "No variant was trained to its end.\n\n"
    text = tables + "".join(f"{line}\n" for line in failed)
    with write_atomically(given.out / "RESULTS.md") as file:
        file.write(text.encode())
    print(text)
    if given.store is not None:
        command = shlex.join(["python", "-m", "recipes.ablation", *words])
        with write_atomically(given.store) as file:
            file.write((json.dumps(structures(command, done, experiment), indent=2) + "\n").encode())
    return 1 if failed else 0


def train_and_score(given: argparse.Namespace, variant: str, seed: int, settings: Sequence[str]) -> int:
    """Both recipes, one after the other; returns the first exit code that is not 0."""
    run = given.out / variant / str(seed)
    cuts = [f"data.{split}_cuts={given.data}/cuts_{split}.jsonl.gz" for split in ("train", "valid")]
    training = [f"experiment={given.experiment}", f"ablation={variant}", f"seed={seed}", f"output_dir={run}", *cuts]
    scoring = [f"model={run}/model", f"data={given.data}/test", f"output_dir={run}/scores"]
    for recipe, command in (
        ("train_tokenizer", [*training, *settings]),
        ("evaluate", [*scoring, f"num_utterances={given.num_utterances}", *EXPERIMENTS[given.experiment].scoring]),
    ):
        code = subprocess.run([sys.executable, "-m", f"recipes.{recipe}", *command], check=False).returncode
        if code != 0:
            return code
    return 0


def _experiment_of(variant: str) -> str:
    for name, experiment in EXPERIMENTS.items():
        if experiment.folder and variant.startswith(experiment.folder):
            return name
    return next(iter(EXPERIMENTS))


def structures(
    command: str, runs: dict[str, list[Run]], experiment: Experiment = EXPERIMENTS["debian_speech_ablation"]
) -> dict[str, Any]:
    """Means over seeds of those variants that are the structures of codecs, for a comparison that stays.

    Raises: ValueError when they were not trained alike.
    """
    names = [experiment.folder + name for name in STRUCTURES]
    found = {name: runs[name] for name in names if runs.get(name)}
    terms = {run.terms for each in found.values() for run in each}
    if len(terms) > 1:
        raise ValueError(f"the structures were not trained alike: {'; '.join(sorted(terms))}")
    rows = [
        {
            "name": _title(name),
            "num_seeds": len(each),
            "num_parameters": each[0].num_parameters,
            "prefixes": [
                {
                    "bits_per_second": of_first["bits_per_second"],
                    "scores": {
                        metric: _mean_and_deviation(
                            [run.summary["prefixes"][prefix]["scores"][metric]["mean"] for run in each]
                        )
                        for metric in experiment.metrics
                    },
                }
                for prefix, of_first in enumerate(each[0].summary["prefixes"])
            ],
        }
        for name, each in found.items()
    ]
    return {
        "command": command,
        "terms": terms.pop() if terms else "",
        "metrics": list(experiment.metrics),
        "structures": rows,
    }


def _mean_and_deviation(values: Sequence[float]) -> dict[str, float]:
    return {"mean": mean(values), "deviation": stdev(values) if len(values) > 1 else 0.0}


def markdown(runs: dict[str, list[Run]], metrics: Sequence[str] = METRICS) -> str:
    """One table of scores of all levels, one for each shorter prefix, and one of the codebooks."""
    most = max(_num_levels(each) for each in runs.values())
    return "\n\n".join(
        [
            _score_table("all levels", runs, -1, metrics),
            *(
                _score_table(
                    f"levels 0 to {prefix}" if prefix else "level 0",
                    {variant: each for variant, each in runs.items() if _num_levels(each) > prefix + 1},
                    prefix,
                    metrics,
                )
                for prefix in reversed(range(most - 1))
            ),
            _codebook_table(runs),
            "Means over seeds, and in brackets their standard deviation; scores are means over utterances.",
            _terms(runs),
        ]
    )


def _terms(runs: dict[str, list[Run]]) -> str:
    """Whether all were trained alike."""
    found: dict[str, list[str]] = {}
    for variant, each in runs.items():
        for terms in sorted({run.terms for run in each}):
            found.setdefault(terms, []).append(variant)
    if len(found) == 1:
        return f"All were trained alike: {next(iter(found))}.\n"
    return "Not all were trained alike:\n\n" + "".join(f"- {', '.join(who)}: {terms}\n" for terms, who in found.items())


def _title(variant: str) -> str:
    structure = STRUCTURES.get(variant.removeprefix(EXPERIMENTS[_experiment_of(variant)].folder))
    return f"{variant} ({structure})" if structure else variant


def _num_levels(runs: list[Run]) -> int:
    return len(runs[0].summary["prefixes"])


def _score_table(title: str, runs: dict[str, list[Run]], prefix: int, metrics: Sequence[str]) -> str:
    rows = [
        [
            _title(variant),
            str(len(each)),
            f"{each[0].num_parameters / 1e6:.2f} M",
            f"{each[0].summary['prefixes'][prefix]['bits_per_second']:.0f}",
            *(_over_seeds([run.summary["prefixes"][prefix]["scores"][m]["mean"] for run in each]) for m in metrics),
        ]
        for variant, each in runs.items()
    ]
    header = [title, "seeds", "parameters", "bits per second"]
    return table([*header, *(COLUMNS[metric].heading for metric in metrics)], rows)


def _codebook_table(runs: dict[str, list[Run]]) -> str:
    books = {variant: _codebooks(each) for variant, each in runs.items()}
    places = sorted({place for each in books.values() for place in each})
    rows = [
        [
            variant,
            *(_over_seeds([100 * book["usage"] for book in each[p]], 0) if p in each else "-" for p in places),
            *(_over_seeds([book["entropy_bits"] for book in each[p]], 2) if p in each else "-" for p in places),
        ]
        for variant, each in books.items()
    ]
    names = [f"{level}.{codebook}" if codebook else f"{level}" for level, codebook in places]
    usage = [f"usage of level {name}, % ↑" for name in names]
    return table(["variant", *usage, *(f"entropy of level {name}, bits ↑" for name in names)], rows)


def _codebooks(runs: list[Run]) -> dict[tuple[int, int], tuple[dict[str, Any], ...]]:
    """By level and codebook what every run says of it."""
    columns = zip(*(run.summary["codebooks"] for run in runs), strict=True)
    return {(column[0]["level"], column[0]["codebook"]): column for column in columns}


def _over_seeds(values: Sequence[float], digits: int = 3) -> str:
    spread = f" ({stdev(values):.{digits}f})" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    sys.exit(main())
