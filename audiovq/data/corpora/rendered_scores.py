"""RenderedScores: the scores of music21's corpus, chorales, masses, quartets and folk tunes, played by FluidSynth."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import re
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from audiovq.data.corpora.layout import hold_out
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id, slug
from audiovq.data.scores import SOUNDFONT, ScoreFile, render
from audiovq.system.optional import optional_package

COMPOSERS = {
    "bach": "Johann Sebastian Bach",
    "beach": "Amy Beach",
    "beethoven": "Ludwig van Beethoven",
    "chopin": "Frédéric Chopin",
    "ciconia": "Johannes Ciconia",
    "corelli": "Arcangelo Corelli",
    "cpebach": "Carl Philipp Emanuel Bach",
    "handel": "George Frideric Handel",
    "haydn": "Joseph Haydn",
    "johnson_j_r": "John Rosamond Johnson",
    "joplin": "Scott Joplin",
    "josquin": "Josquin des Prez",
    "liliuokalani": "Liliuokalani",
    "lusitano": "Vicente Lusitano",
    "monteverdi": "Claudio Monteverdi",
    "mozart": "Wolfgang Amadeus Mozart",
    "palestrina": "Giovanni Pierluigi da Palestrina",
    "schoenberg": "Arnold Schoenberg",
    "schubert": "Franz Schubert",
    "schumann_clara": "Clara Schumann",
    "schumann_robert": "Robert Schumann",
    "verdi": "Giuseppe Verdi",
    "weber": "Carl Maria von Weber",
    "webern": "Anton Webern",
}
_CONSOLE = Console(stderr=True)
_NO_MUSIC = ("demos", "theoryExercises")
_SUFFIXES = (".abc", ".krn", ".musicxml", ".mxl", ".xml")  # the others are analyses
_VARIANT = re.compile(r"_variant[0-9]+$")
_RESERVED = b"rights to all derivative electronic formats reserved"  # says Humdrum's text of many scores
_SAME_WORK = {"schumann_robert/dichterliebe_no2": "schumann_robert/opus48no2"}


@dataclasses.dataclass
class RenderedScores:
    """The sounds below `root`, with a list beside each of what it is: FOLDER/SCORE.{json,flac}.

    folders: of music21's corpus, such as bach and beethoven; none: all. most: scores of each folder, evenly drawn, and
    0 takes all. variants: of each score of the train split so many more, in other keys, and where it names none with
    other instruments and tempos: SCORE_variant1.flac and so on. retimed: also scores that name a tempo are played in a
    drawn one, whose beats last whole frames of music-32k. reserved: also those whose encoders reserve the rights to
    what is made of them. num_jobs: processes that render.
    """

    root: Path
    folders: list[str] = dataclasses.field(default_factory=list)
    most: int = 0
    variants: int = 0
    retimed: bool = False
    reserved: bool = False
    soundfont: str = str(SOUNDFONT)
    num_jobs: int = 1

    def download(self) -> None:
        """Render what is not there yet. Raises: CorpusError without FluidSynth, a soundfont or scores to render."""
        if not shutil.which("fluidsynth") or not Path(self.soundfont).is_file():
            raise CorpusError(
                f"expected the program fluidsynth and the soundfont {self.soundfont}: "
                "apt-get install fluidsynth fluid-soundfont-gm, or name another soundfont by corpus.soundfont"
            )
        files = list(self._files())
        if not files:
            raise CorpusError(
                f"the encoders of all scores of {', '.join(self.folders)} reserve rights: "
                "corpus.reserved=true takes them"
            )
        todo = [(file, target) for file, target in files if not target.with_name(f"{target.name}.json").exists()]
        work = partial(_render, soundfont=Path(self.soundfont))
        shown = partial(track, description="rendering", total=len(todo), console=_CONSOLE)
        if self.num_jobs == 1:
            deque(shown(map(work, todo)), maxlen=0)
            return
        with ProcessPoolExecutor(self.num_jobs, multiprocessing.get_context("spawn")) as pool:
            deque(shown(pool.map(work, todo)), maxlen=0)

    def utterances(self) -> Iterator[Utterance]:
        """List what is rendered; the voice is the folder, that is the composer, who is in several splits with works.

        Raises: CorpusError if nothing is.
        """
        listed = [
            (path, number, record)
            for path in sorted(self.root.glob("**/*.json"))
            for number, record in enumerate(json.loads(path.read_text(encoding="utf-8")), start=1)
        ]
        if not listed:
            raise CorpusError(f"{self.root} holds no rendered score: first run this with step=download")
        names = [path.relative_to(self.root).as_posix().removesuffix(".json") for path, _, _ in listed]
        written = [_VARIANT.sub("", name) for name in names]
        works = [_work(name, record) for name, (_, _, record) in zip(written, listed, strict=True)]
        split = hold_out(set(works))
        for (path, number, record), work, name, own in zip(listed, works, names, written, strict=True):
            if name != own and split[work] != "train":
                continue
            folder, _, rest = name.partition("/")
            sound = path.with_name(record.get("file", f"{path.stem}.flac"))
            yield Utterance(
                make_id(slug(folder), rest + (f"-{number}" if "tune" in record else "")),
                slug(folder),
                "zxx",
                Source(sound),
                split=split[work],
                drop_reason=record.get("reason", ""),
                labels=record.get("labels", {}),
            )

    def _files(self) -> Iterator[tuple[ScoreFile, Path]]:
        """Each file of scores, and the path of its sound without a suffix."""
        corpus = Path(str(optional_package("music21", "music").__file__)).parent / "corpus"
        found = sorted(path for path in corpus.glob("*/**/*") if path.suffix in _SUFFIXES)
        by_folder: dict[str, list[Path]] = {}
        for path in found:
            by_folder.setdefault(path.relative_to(corpus).parts[0], []).append(path)
        names = self.folders or sorted(by_folder.keys() - set(_NO_MUSIC))
        if unknown := sorted(set(names) - by_folder.keys()):
            raise CorpusError(f"music21's corpus has no {', '.join(unknown)}, expected some of {', '.join(by_folder)}")
        for name in names:
            paths = [path for path in by_folder[name] if self.reserved or _RESERVED not in path.read_bytes().lower()]
            if left_out := len(by_folder[name]) - len(paths):
                _CONSOLE.print(
                    f"{name}: {left_out} scores left out whose encoders reserve rights: corpus.reserved=true takes them"
                )
            paths = list({path.with_suffix(""): path for path in paths}.values())  # of one score encoded twice the last
            if 0 < self.most < len(paths):
                chosen = np.random.default_rng(0).choice(len(paths), self.most, replace=False)
                paths = [paths[number] for number in sorted(chosen.tolist())]
            for path in paths:
                target = self.root / path.relative_to(corpus).with_suffix("")
                for variant in range(self.variants + 1):
                    own = target.with_name(f"{target.name}_variant{variant}") if variant else target
                    yield ScoreFile(path, COMPOSERS.get(name, ""), variant, self.retimed), own


def _render(work: tuple[ScoreFile, Path], soundfont: Path) -> None:
    render(*work, soundfont)


def _work(name: str, record: dict[str, Any]) -> str:
    """What is on one side of the split: a work with its movements, a mass, a tune in whatever books it is."""
    if tune := re.sub(r"[^a-z]+", "", str(record.get("tune") or "").lower()):
        return f"tune/{tune}"
    name = _SAME_WORK.get(name, name)
    parts = name.split("/")
    if len(parts) > 2:  # movements lie in a folder of the work
        return "/".join(parts[:2])
    folder, piece = parts
    if folder == "palestrina":  # Kyrie_102, Credo_102_b: parts of the mass of this number
        return f"{folder}/{re.sub(r'^.*?_(?=[0-9])|_[a-z]+$', '', piece)}"
    if folder == "ryansMammoth":
        return f"tune/{re.sub(r'[^a-z]+', '', piece.lower())}"
    piece = re.sub(r"_old$", "", piece)
    return f"{folder}/{piece.split('.')[0] if folder == 'bach' else piece}"  # of cantatas: bwv66.6 is part of bwv66
