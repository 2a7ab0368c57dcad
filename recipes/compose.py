"""Let a music prior play: new pieces, and continuations, variations and mended gaps of music that was held out.

    python -m recipes.compose exp/music1/packed --tokens data/my_music/tokens/test -o exp/music1/samples
    python -m recipes.compose music-chorales --tokens tokens/test -o exp/long --ways new --num-pieces 4 --seconds 120
    python -m recipes.compose music-chorales --tokens tokens/test -o exp/wild --ways new --temperature 1.1 --top-p 1

Of each of --num-pieces held-out pieces a stretch of --seconds is taken from its codes. OUT gets a folder for each way,
with .wav and .avq files: original (the stretch as its codes sound), continued (from its first --primer-seconds),
varied_1, varied_2 ... (so many of its coarsest levels kept, --keep-levels), mended (its middle third made anew) and new
(unlike it, hence new-1, new-2 ...; every second one with a label, in turn, or all with one of --labels; and all with a
key and a tempo, drawn, if the prior knows such labels). OUT/index.html is a page to hear them side by side,
made.jsonl tells what labels each was told, how long it took and which share of the codes of each level is the
original's, and RESULTS.md sums it up. The same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from audiovq.audio import io
from audiovq.codes import Codes
from audiovq.commands.arguments import add_sampling
from audiovq.commands.generate import SETTINGS
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.summary import table
from audiovq.music.composition import USUAL, Composer, load_composer
from audiovq.music.drafts import Draft
from audiovq.pretrained import weights_hash
from audiovq.priors.sampling import Sampling
from audiovq.report import ORIGINAL, Clip, Report, System
from audiovq.report.joining import load_run
from audiovq.report.page import report_page
from audiovq.system.files import remove_unfinished, write_atomically
from audiovq.tokens import TokenTable

WAYS = ("continued", "varied", "mended", "new")


@dataclass(frozen=True)
class Task:
    """One sound to make. Without a draft it is the stretch itself."""

    way: str
    name: str
    draft: Draft | None
    codes: Codes
    labels: tuple[str, ...] = ()

    @property
    def has_original(self) -> bool:
        """Whether it is made from the stretch."""
        return self.way not in (ORIGINAL, "new")

    @property
    def place(self) -> str:
        """Its files, without their suffixes."""
        return f"{self.way}/{self.name.replace('/', '_')}"


def stretches(folders: Sequence[str], num_pieces: int, seconds: float, seed: int) -> dict[str, Codes]:
    """A random stretch of each of so many pieces that are long enough, whole coarsest frames.

    Raises: ValueError when there is none.
    """
    drawn = random.Random(f"compose {seed}")
    long_enough = []
    for table_ in map(TokenTable, folders):
        size = table_.layout.hop_lengths[0]
        frames = max(1, int(seconds * table_.layout.sample_rate) // size)
        long_enough += [(name, table_, frames) for name in table_ if table_.entry(name).num_samples >= frames * size]
    if not long_enough:
        raise ValueError(f"no piece in {', '.join(folders)} lasts {seconds:g} s: make --seconds smaller")
    found = {}
    for name, table_, frames in sorted(
        drawn.sample(long_enough, min(num_pieces, len(long_enough))), key=lambda x: x[0]
    ):
        codes = table_[name].channel(0)
        found[name] = codes.stretch(drawn.randint(0, codes.num_samples // codes.hop_lengths[0] - frames), frames)
    return found


def tasks(composer: Composer, pieces: dict[str, Codes], given: argparse.Namespace) -> Iterator[Task]:
    """All that is to be made."""
    kept = given.keep_levels or range(1, composer.tokenizer.num_levels)
    for number, (name, codes) in enumerate(pieces.items()):
        seconds = codes.duration_seconds
        yield Task(ORIGINAL, name, None, codes)
        for way in given.ways:
            if way == "continued":
                yield Task(way, name, composer.continued(first(codes, given.primer_seconds), seconds), codes)
            elif way == "varied":
                for keep_levels in kept:
                    yield Task(f"{way}_{keep_levels}", name, composer.varied(codes, keep_levels), codes)
            elif way == "mended":
                yield Task(way, name, composer.inpainted(codes, seconds / 3, 2 * seconds / 3), codes)
            else:
                labels = _in_turn(given.labels, number)
                if not given.labels and number % 2:
                    labels = _in_turn(composer.labels, number // 2)
                yield Task(way, f"new-{number + 1}", composer.blank(given.seconds), codes, labels)


def _in_turn(labels: Sequence[str], number: int) -> tuple[str, ...]:
    return (labels[number % len(labels)],) if labels else ()


def first(codes: Codes, seconds: float) -> Codes:
    """Its first seconds, whole coarsest frames, one at least."""
    return codes.stretch(0, max(1, int(seconds * codes.sample_rate) // codes.hop_lengths[0]))


def make(composer: Composer, task: Task, sampling: Sampling, out: Path) -> Scores:
    """Write the codes and the sound; how long it took."""
    path = out / task.place
    start = time.perf_counter()
    codes, labels = task.codes, list(task.labels)
    if task.draft is not None:
        own = replace(sampling, seed=item_seed(sampling.seed, task))
        codes, labels = composer.compose(task.draft, labels, own), composer.told(task.draft, labels, own.seed)
    made = time.perf_counter()
    wave = composer.tokenizer.decode(codes)
    end = time.perf_counter()
    codes.save(path.with_name(f"{path.name}.avq"))
    io.write(path.with_name(f"{path.name}.wav"), wave, codes.sample_rate)
    scores = {
        "utterance": task.place,
        "way": task.way,
        "labels": labels,
        "seconds": codes.duration_seconds,
        "codes_took_seconds": made - start,
        "sound_took_seconds": end - made,
    }
    if task.has_original:
        pairs = zip(codes.levels, task.codes.levels, strict=True)
        scores["same_codes"] = [float((level == original).double().mean()) for level, original in pairs]
    return scores


def item_seed(seed: int, task: Task) -> int:
    """Another for each thing to make."""
    return random.Random(f"{seed} {task.place}").getrandbits(31)


def page(todo: Sequence[Task], labels: Sequence[Sequence[str]], out: Path, note: str) -> None:
    """Write report.json and index.html; ``labels``: what each was told."""
    clips: dict[str, Clip] = {}
    for task, told in zip(todo, labels, strict=True):
        sound = f"{task.place}.wav"
        if task.way == ORIGINAL:
            clips[task.name] = Clip(id=task.name, original=sound, text="held out; what is made from it, beside it")
        elif not task.has_original:
            label = f"labels: {', '.join(told)}" if told else "no label"
            clips[task.name] = Clip(id=task.name, text=label, files={"new": sound})
        else:
            clip = clips[task.name]
            clips[task.name] = replace(clip, files={**clip.files, task.way: sound})
    ways = [way for way in dict.fromkeys(task.way for task in todo) if way != ORIGINAL]
    shown = [*(clip for clip in clips.values() if clip.original), *(c for c in clips.values() if not c.original)]
    report = Report(title="generated music", note=note, systems=[System(name=way) for way in ways], clips=shown)
    report.save(out)
    with write_atomically(out / "index.html") as file:
        file.write(report_page([load_run(out)]).encode())


def markdown(scores: Sequence[Scores], command: str) -> str:
    """How much was made, and how fast."""
    rows = []
    for way in dict.fromkeys(score["way"] for score in scores):
        own = [score for score in scores if score["way"] == way]
        seconds = sum(score["seconds"] for score in own)
        factors = [sum(score[f"{what}_took_seconds"] for score in own) / seconds for what in ("codes", "sound")]
        same = zip(*(score["same_codes"] for score in own if "same_codes" in score), strict=True)
        kept = " ".join(f"{fmean(level):.3f}" for level in same) or "-"
        rows.append([way, str(len(own)), f"{seconds:.0f}", *(f"{factor:.3f}" for factor in factors), kept])
    head = ["way", "sounds", "seconds", "real-time factor, codes ↓", "real-time factor, sound ↓", "codes kept by level"]
    return f"    {command}\n\n{table(head, rows)}\n"


def compose(given: argparse.Namespace, command: str) -> None:
    """Raises: ValueError (ModelError, ScoreFileError, TokenTableError) for what does not fit together."""
    torch.set_num_threads(given.threads)
    composer = load_composer(given.model, given.tokenizer, given.vocoder)
    pieces = stretches(given.tokens, given.num_pieces, given.seconds, given.seed)
    todo = list(tasks(composer, pieces, given))
    out: Path = given.out
    for way in {".", *(task.way for task in todo)}:
        (out / way).mkdir(parents=True, exist_ok=True)
        remove_unfinished(out / way)
    sampling = replace(USUAL, **{name: getattr(given, name) for name in SETTINGS})
    subject = {
        "prior": weights_hash(composer.prior, composer.prior.config),
        "vocoder": composer.tokenizer.vocoder_name,
        **{name: getattr(given, name) for name in ("seconds", "primer_seconds", "labels")},
        "sampling": asdict(sampling),
    }
    file = ScoreFile(out / "made.jsonl", subject)
    missing = [task for task in todo if task.place not in file.scores]
    for task in track(missing, "composing", console=Console(stderr=True)):
        file.add(make(composer, task, sampling, out))
    scores = [file.scores[task.place] for task in todo]
    text = markdown(scores, command)
    with write_atomically(out / "RESULTS.md") as target:
        target.write(text.encode())
    page(todo, [score["labels"] for score in scores], out, f"{composer.name}: {command}")
    Console().print(Markdown(text))
    print(f"listen: {out / 'index.html'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    given = _parser().parse_args(words)
    try:
        compose(given, shlex.join(["python", "-m", "recipes.compose", *words]))
    except (ValueError, OSError) as error:
        print(f"compose: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m recipes.compose", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", metavar="NAME|DIR", help="a bundled music prior or its folder")
    add("--tokens", metavar="TABLE", nargs="+", required=True, help="token tables of pieces that were held out")
    add("-o", dest="out", metavar="OUT", type=Path, required=True)
    add("--tokenizer", metavar="NAME|DIR", help="whose codes the prior makes, if it is not bundled")
    add("--vocoder", metavar="NAME|DIR", help="as for audiovq decode")
    add("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="(default: all)")
    add("--num-pieces", metavar="N", type=int, default=8, help="(default: %(default)s)")
    add("--seconds", metavar="S", type=float, default=20.0, help="of each sound (default: %(default)s)")
    add("--primer-seconds", metavar="S", type=float, default=5.0, help="(default: %(default)s)")
    add("--keep-levels", metavar="N", type=int, nargs="+", help="of variations (default: 1, 2 and so on, all but one)")
    add(
        "--labels",
        metavar="LABEL",
        nargs="+",
        default=[],
        help="of new pieces, in turn (default: the prior's, of every second)",
    )
    add("--threads", metavar="N", type=int, default=1, help="(default: %(default)s)")
    add_sampling(parser, replace(USUAL, seed=1), SETTINGS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
