"""Score generated music beside real music that its generator did not learn from.

    python -m recipes.score_music generated/ --real data/debian_music/test/wav.scp -o exp/music/scores
    python -m recipes.score_music continued/ --real data/debian_music/test/wav.scp -o exp/music/seams --seam-seconds 10
    python -m recipes.score_music generated/ --real real/ -o exp/music/scores --noise music-32k --jobs 4
    python -m recipes.score_music exp/samples/new --real real/ -o exp/music/scores --labels exp/samples/made.jsonl

GENERATED and REAL are folders of sounds or .scp files. Real pieces are cut into stretches as long as the generated ones
usually are. Measured of each: tempo and its stability, pulse clarity, key and its stability, loudness, silence share;
with --labels and --real-labels whether key and tempo are those of the labels; with --seam-seconds what jumps where a
primer ends; with the package musicnn the Fréchet distance of its embeddings, beside that of two halves of the real
pieces. Writes into OUT: a .jsonl of each group, summary.json and RESULTS.md. The same command again goes on where it
stopped. What is learnt by heart or repeats, recipes.score_codes finds in codes.

Exit codes: 0 all is scored; 1 some could not be, each is named; 2 wrong usage; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import functools
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from audiovq.metrics.music.tagger import NAME
from audiovq.metrics.pairs import find_sounds
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import score_all
from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.system.optional import is_installed
from recipes.score_music.items import Item, MusicScorer, Settings, median_seconds, random_codes, stretches, whole_files
from recipes.score_music.labels import read_labels
from recipes.score_music.summary import markdown, summarise


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    given = _parser().parse_args(words)
    try:
        failures = score_music(given, shlex.join(["python", "-m", "recipes.score_music", *words]))
    # What the sounds, the settings or a missing package are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"score_music: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("score_music: stopped; what is scored is kept, and the same command goes on", file=sys.stderr)
        return 130
    for reason in failures:
        print(f"score_music: {reason}", file=sys.stderr)
    return 1 if failures else 0


def score_music(given: argparse.Namespace, command: str) -> list[str]:
    """Score, write all files and show the table; returns what failed. Raises: ValueError with nothing to score."""
    embeds = not given.no_embeddings
    if embeds and not is_installed("musicnn"):
        print(
            "leaving out the Fréchet distance: pip install --no-deps musicnn==0.1.0 brings its network", file=sys.stderr
        )
        embeds = False
    generated = whole_files(find_sounds(given.generated), given.num_items, given.seed)
    seconds = given.seconds or median_seconds(generated)
    groups = {
        "generated": generated,
        "real": stretches(find_sounds(given.real), seconds, given.num_items, given.seed),
    }
    if given.noise:
        groups["noise"] = random_codes(seconds, len(groups["generated"]), given.seed)
    labels = {
        name: read_labels(path) for name, path in (("generated", given.labels), ("real", given.real_labels)) if path
    }
    settings = Settings(given.seam_seconds, given.noise or "", embeds)
    given.out.mkdir(parents=True, exist_ok=True)
    remove_unfinished(given.out)
    places = {"generated": str(given.generated), "real": str(given.real), "noise": given.noise}
    scored: dict[str, list[Scores]] = {}
    failures: list[str] = []
    for name, items in groups.items():
        subject = {"place": places[name], "embedding": NAME if embeds else None, **asdict(settings)}
        subject["seconds"] = None if name == "generated" else seconds
        found, failed = score_group(name, items, given.out / f"{name}.jsonl", subject, settings, given.jobs)
        if not found:
            raise ValueError(f"nothing of {places[name]} could be scored: {'; '.join(failed)}")
        scored[name], failures = found, failures + failed
    summary = {
        "command": command,
        "about": f"{given.generated} beside {given.real}, in stretches of {seconds:g} s.",
        "subject": {**places, "seconds": seconds, "embedding": NAME if embeds else None},
        **summarise(scored, labels, given.seed),
        "failures": failures,
    }
    text = markdown(summary)
    for file_name, content in (
        ("summary.json", json.dumps(summary, indent=1, ensure_ascii=False)),
        ("RESULTS.md", text),
    ):
        with write_atomically(given.out / file_name) as file:
            file.write((content.rstrip() + "\n").encode())
    Console().print(Markdown(text))
    return failures


def score_group(
    name: str, items: Sequence[Item], path: Path, subject: dict[str, object], settings: Settings, num_jobs: int
) -> tuple[list[Scores], list[str]]:
    """Score what is not scored yet; the scores, and what failed."""
    file = ScoreFile(path, subject)
    missing = [item for item in items if file.scores.get(item.name, {}).get("file") != list(item.file)]
    failures = []
    done = score_all(functools.partial(MusicScorer, settings), missing, num_jobs)
    for scores in track(done, name, total=len(missing), console=Console(stderr=True)):
        if "failed" in scores:
            failures.append(scores["failed"])
        else:
            file.add(scores)
    return [file.scores[item.name] for item in items if item.name in file.scores], failures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m recipes.score_music", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generated", type=Path, metavar="GENERATED", help="a folder of sounds, or an .scp file")
    parser.add_argument("--real", type=Path, required=True, metavar="REAL", help="the same of real music, held out")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="of the generated: made.jsonl of recipes.compose")
    parser.add_argument("--real-labels", type=Path, metavar="FILE", help="labels.jsonl of recipes.prepare")
    parser.add_argument("--seam-seconds", type=float, metavar="S", help="where the primers of continuations end")
    parser.add_argument("--seconds", type=float, metavar="S", help="of real stretches (default: as the generated ones)")
    parser.add_argument("--noise", metavar="NAME|DIR", help="score the sound of random codes of this tokenizer too")
    parser.add_argument(
        "--num-items", type=int, default=100, metavar="N", help="of each, evenly drawn; 0 takes all (default: 100)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the draws (default: 1)")
    parser.add_argument("--no-embeddings", action="store_true", help="faster, without the Fréchet distance")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes, of one thread each")
    return parser


if __name__ == "__main__":
    sys.exit(main())
