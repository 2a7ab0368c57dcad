"""LJSpeech: 24 hours of one English reader, 13,100 sentences of seven books."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, read_lines
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance
from audiovq.data.words import squeeze

HOME = "https://keithito.com/LJ-Speech-Dataset"

# It has no official split. A chapter is held out for each, the last two that were read.
HELD_OUT = {"LJ049": "valid", "LJ050": "test"}


@dataclasses.dataclass
class LJSpeech:
    """The corpus below `root`: LJSpeech-1.1/{metadata.csv,wavs/*.wav}."""

    root: Path

    def download(self) -> None:
        """Fetch it (2.6 GB). Raises: CorpusError if that fails."""
        from lhotse.recipes.ljspeech import download_ljspeech

        with fetching(self.root, HOME):
            download_ljspeech(self.root)

    def utterances(self) -> Iterator[Utterance]:
        """List the sentences, with numbers and abbreviations spelled out.

        Raises: CorpusError if the corpus is not there.
        """
        folder = corpus_folder(self.root, ["LJSpeech-1.1"], "metadata.csv", HOME)
        for number, line in enumerate(read_lines(folder / "metadata.csv"), start=1):
            if line.count("|") != 2:
                raise CorpusError(f"{folder / 'metadata.csv'}:{number}: expected ID|TEXT|NORMALISED TEXT, got {line!r}")
            key, _, text = line.split("|")
            split = HELD_OUT.get(key.split("-")[0], "train")
            yield Utterance(key, "LJ", "en", Source(folder / f"wavs/{key}.wav"), squeeze(text), split)
