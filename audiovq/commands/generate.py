"""The audiovq command that makes music: its arguments, and what it does."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from audiovq.audio.io import WRITABLE_SUFFIXES, AudioError, AudioWriter
from audiovq.codes import Codes, CodesError
from audiovq.commands.arguments import UsageError, add_command, add_sampling, explained, positive
from audiovq.commands.inputs import CODES_SUFFIX
from audiovq.commands.terminal import complain, print_table, progress_bar
from audiovq.music.composition import USUAL, Composer, load_composer
from audiovq.music.drafts import Draft, DraftError
from audiovq.music.unfinished import UnfinishedError, remove_parts
from audiovq.pretrained import MUSIC_PRIOR, ModelError, find
from audiovq.priors.sampling import Sampling

DEFAULT_PRIOR = "music-chorales"
SECONDS = 20.0

GENERATE = """\
music, with a bundled or your own prior

Anew, or from a clip: going on from it, filling a gap in it, or as a variation of it. Any length:
what is made is kept window by window beside OUT until the whole is written, and the same call goes
on from there when it was interrupted. The same seed makes the same music."""

GENERATE_EXAMPLES = """\
examples:
  audiovq generate -o new.wav --seconds 60
  audiovq generate --list-labels
  audiovq generate -o chorale.flac --seconds 60 --label "church organ" --seed 7
  audiovq generate -o longer.wav --prime clip.wav --seconds 40   # 40 s in all, with the clip
  audiovq generate -o mended.wav --inpaint clip.wav --from 8 --to 12
  audiovq generate -o other.wav --vary clip.wav --keep-levels 2
  audiovq generate -o codes.avq --seconds 30                     # the codes, for audiovq decode"""

# Of the fields of Sampling, those that music has a use for.
SETTINGS = explained(
    {
        "guidance": "how far it is pushed towards the labels; 1 is not at all, and takes half the time",
        "candidates": "ways tried to go on from --prime's clip or to fill --inpaint's gap; the best is kept",
        "seed": "another number, another piece",
    }
)


def add_generate_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add generate."""
    generate = add_command(subparsers, "generate", GENERATE.partition("\n")[0], GENERATE_EXAMPLES, _generate)
    generate.description = GENERATE
    add = generate.add_argument
    add("-o", dest="out", metavar="OUT.wav", type=Path, help="a .wav or .flac file, or .avq for the codes")
    add("--seconds", metavar="S", type=float, help=f"length of the whole, with --prime's clip (default: {SECONDS:g})")
    add("--label", metavar="L", action="append", default=[], help="one of --list-labels; may be given several times")
    add("--list-labels", action="store_true", help="name the labels")
    clip = "a sound file, or an .avq file of the same tokenizer"
    add("--prime", metavar="IN.wav", type=Path, help=f"go on from a clip: {clip}")
    add(
        "--vary",
        metavar="CLIP",
        type=Path,
        help="keep a clip's coarsest levels of codes exactly, make the finer ones anew",
    )
    add("--keep-levels", metavar="N", type=positive, help="of --vary: how many levels to keep (default: half of them)")
    add("--inpaint", metavar="CLIP", type=Path, help="make a stretch of a clip anew, --from S --to S")
    add("--from", dest="from_seconds", metavar="S", type=float, help="where the stretch begins, in seconds")
    add("--to", dest="to_seconds", metavar="S", type=float, help="where it ends")
    model = f"a bundled music prior or a folder (default: {DEFAULT_PRIOR})"
    add("--model", metavar="NAME|DIR", default=DEFAULT_PRIOR, help=model)
    add("--tokenizer", metavar="NAME|DIR", help="whose codes the prior makes, if it is not bundled")
    add("--vocoder", metavar="NAME|DIR", help="as for decode")
    add("--restart", action="store_true", help="forget what an interrupted call has kept, and begin anew")
    add_sampling(generate, USUAL, SETTINGS)


def _generate(given: argparse.Namespace) -> int:
    sampling = _checked(given)
    composer = _composer(given)
    if given.list_labels:
        print_table([[label] for label in composer.labels])
        return 0
    folder = given.out.with_name(f"{given.out.name}.unfinished")
    try:
        draft = _draft(given, composer)
        start = time.perf_counter()
        with _progress() as report:
            codes = composer.compose(draft, given.label, sampling, folder, given.restart, report)
        made = time.perf_counter()
        _write(given.out, composer, codes)
    except (DraftError, UnfinishedError) as error:
        raise UsageError(str(error)) from error
    except (AudioError, CodesError) as error:
        return complain(str(error), exit_code=1)
    remove_parts(folder)
    took, sound = made - start, time.perf_counter() - made
    labels = "".join(f", {label}" for label in composer.told(draft, given.label, sampling.seed))
    return complain(
        f"{given.out}: {codes.duration_seconds:.2f} s of music{labels}; codes in {took:.2f} s, sound in {sound:.2f} s",
        0,
    )


def _checked(given: argparse.Namespace) -> Sampling:
    """Raises: UsageError for what cannot be meant."""
    suffixes = [*WRITABLE_SUFFIXES, CODES_SUFFIX]
    if not given.list_labels and given.out is None:
        raise UsageError("-o OUT.wav is missing: where the music goes")
    if given.out is not None and given.out.suffix.lower() not in suffixes:
        raise UsageError(f"-o {given.out}: name a file that ends in {' or '.join(suffixes)}")
    clips = {"--prime": given.prime, "--vary": given.vary, "--inpaint": given.inpaint}
    named = [name for name, clip in clips.items() if clip is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} cannot go together: one clip, one thing to do with it")
    clip = clips[named[0]] if named else None
    if clip is not None and given.out is not None and given.out.resolve() == clip.resolve():
        raise UsageError(f"-o {given.out} is the clip itself: name another file")
    stretch = (given.from_seconds, given.to_seconds)
    if (given.inpaint is not None) != (None not in stretch) or (stretch[0] is None) != (stretch[1] is None):
        raise UsageError("--inpaint CLIP, --from S and --to S belong together")
    if given.keep_levels is not None and given.vary is None:
        raise UsageError("--keep-levels is for --vary CLIP")
    if given.seconds is not None and (given.vary or given.inpaint):
        raise UsageError("--seconds is for new music and --prime: with --vary and --inpaint it is as long as the clip")
    try:
        return replace(USUAL, **{name: getattr(given, name) for name in SETTINGS})
    except ValueError as error:
        raise UsageError(str(error)) from error


def _composer(given: argparse.Namespace) -> Composer:
    if given.model == DEFAULT_PRIOR:
        try:
            find(DEFAULT_PRIOR, MUSIC_PRIOR)
        except ModelError as error:
            raise ModelError(
                "no music prior is bundled with this audiovq: train one with egs/debian_music/music1/run.sh, and name "
                "its folder, as in --model exp/debian_music/music1/packed"
            ) from error
    return load_composer(given.model, given.tokenizer, given.vocoder)


def _draft(given: argparse.Namespace, composer: Composer) -> Draft:
    seconds = SECONDS if given.seconds is None else given.seconds
    if given.prime is not None:
        return composer.continued(_clip(given.prime), seconds)
    if given.vary is not None:
        levels = composer.tokenizer.num_levels
        return composer.varied(
            _clip(given.vary), max(1, levels // 2) if given.keep_levels is None else given.keep_levels
        )
    if given.inpaint is not None:
        return composer.inpainted(_clip(given.inpaint), given.from_seconds, given.to_seconds)
    return composer.blank(seconds)


def _clip(path: Path) -> Path | Codes:
    return Codes.load(path) if path.suffix.lower() == CODES_SUFFIX else path


def _write(path: Path, composer: Composer, codes: Codes) -> None:
    if path.suffix.lower() == CODES_SUFFIX:
        codes.save(path)
        return
    with AudioWriter(path, composer.sample_rate, composer.tokenizer.num_channels(codes)) as writer:
        for block in composer.tokenizer.decode_blocks(codes):
            writer.write(block)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    with progress_bar("composing") as progress:
        task = progress.add_task("composing")
        yield lambda done, total: progress.update(task, completed=done, total=total)
