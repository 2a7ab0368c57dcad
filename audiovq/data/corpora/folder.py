"""Your own folder of sound files: the simplest corpus of all."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from audiovq.audio.io import AudioError, list_audio
from audiovq.data.corpora.layout import HELD_OUT_ONE_IN, hold_out, read_lines
from audiovq.data.corpora.utterance import SPLITS, CorpusError, Source, Utterance, make_id, slug
from audiovq.data.words import squeeze

HELD_OUT = ("auto", "voices", "files")


@dataclasses.dataclass
class Folder:
    """All sound files below `root`, each with the text of a .txt file of the same name beside it, if there is one.

    Args:
        speaker: the voice of all files; empty: each file's folder is its voice.
        valid_speakers, test_speakers: the voices to hold out.
        hold_out: what is held out for each of valid and test where no voices are named: "voices", "files", or with
            "auto" voices if there are at least three, else files.
        hold_out_one_in: how many; at least one.
    """

    root: Path
    speaker: str = ""
    language: str = "und"
    valid_speakers: list[str] = dataclasses.field(default_factory=list)
    test_speakers: list[str] = dataclasses.field(default_factory=list)
    hold_out: str = "auto"
    hold_out_one_in: int = HELD_OUT_ONE_IN

    def __post_init__(self) -> None:
        if self.hold_out not in HELD_OUT:
            raise CorpusError(f"hold_out is {self.hold_out!r}, expected one of {', '.join(HELD_OUT)}")
        if self.hold_out_one_in < len(SPLITS):
            raise CorpusError(f"hold_out_one_in is {self.hold_out_one_in}, expected at least {len(SPLITS)}")
        if self.hold_out == "files" and (self.valid_speakers or self.test_speakers):
            raise CorpusError("hold_out=files and valid_speakers or test_speakers exclude one another")

    def download(self) -> None:
        """There is nothing to fetch. Raises: CorpusError always."""
        raise CorpusError(f"a folder of your own cannot be downloaded: put sound files into {self.root}")

    def utterances(self) -> Iterator[Utterance]:
        """List the files by name.

        Raises: CorpusError if there are none, if two would get one id, or if a voice to hold out is unknown.
        """
        try:
            files = list_audio([self.root]) if self.root.is_dir() else []
        except AudioError as error:
            raise CorpusError(str(error)) from error
        if not files:
            raise CorpusError(f"{self.root} is not a folder: expected one with sound files")
        found = [self._utterance(path) for path in files]
        paths: dict[str, Path] = {}
        for utterance in found:
            path = utterance.source.path
            if paths.setdefault(utterance.id, path) != path:
                raise CorpusError(f"{paths[utterance.id]} and {path} would both be {utterance.id}: rename one of them")
        split = self._split(found)
        for utterance in found:
            yield dataclasses.replace(utterance, split=split[utterance.id])

    def _utterance(self, path: Path) -> Utterance:
        # Not resolved: a file may be a link to one that lies elsewhere.
        speaker = slug(self.speaker or Path(os.path.abspath(path)).parent.name)
        name = path.relative_to(self.root).with_suffix("").as_posix()
        if not self.speaker:
            name = name.removeprefix(f"{path.parent.name}/")
        return Utterance(make_id(speaker, name), speaker, self.language, Source(path), _text_beside(path))

    def _split(self, utterances: list[Utterance]) -> dict[str, str]:
        speakers = {utterance.speaker for utterance in utterances}
        unknown = {*self.valid_speakers, *self.test_speakers} - speakers
        if unknown:
            raise CorpusError(f"no voice is called {', '.join(sorted(unknown))}; known: {', '.join(sorted(speakers))}")
        if self.valid_speakers or self.test_speakers:
            named = dict.fromkeys(self.valid_speakers, "valid") | dict.fromkeys(self.test_speakers, "test")
            return {utterance.id: named.get(utterance.speaker, "train") for utterance in utterances}
        one_in = self.hold_out_one_in
        if self.hold_out == "files" or (self.hold_out == "auto" and len(speakers) < len(SPLITS)):
            return hold_out([utterance.id for utterance in utterances], one_in=one_in)
        by_speaker = hold_out(list(speakers), one_in=one_in)
        return {utterance.id: by_speaker[utterance.speaker] for utterance in utterances}


def _text_beside(path: Path) -> str:
    words = path.with_suffix(".txt")
    return squeeze(" ".join(read_lines(words))) if words.exists() else ""
