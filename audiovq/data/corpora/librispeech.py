"""LibriSpeech: 960 hours of English audiobooks by 2484 readers at 16 kHz, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, official_split, read_lines
from audiovq.data.corpora.utterance import Source, Utterance

HOME = "https://www.openslr.org/12"


@dataclasses.dataclass
class LibriSpeech:
    """The corpus below `root`: LibriSpeech/PART/READER/CHAPTER/{*.flac,READER-CHAPTER.trans.txt}.

    Args:
        parts: those to fetch and to list, such as dev-clean; none: all, and all that are there.
    """

    root: Path
    parts: list[str] = dataclasses.field(default_factory=list)

    def download(self) -> None:
        """Fetch the parts (all: 60 GB). Raises: CorpusError if that fails."""
        from lhotse.recipes.librispeech import download_librispeech

        with fetching(self.root, HOME):
            download_librispeech(self.root, self.parts or "librispeech")

    def utterances(self) -> Iterator[Utterance]:
        """List the recordings, part by part.

        Raises: CorpusError if a part is not there.
        """
        for part in self.parts or ["*-*"]:
            folder = corpus_folder(self.root, ["LibriSpeech"], f"{part}/*/*/*.trans.txt", HOME)
            for transcript in sorted(folder.glob(f"{part}/*/*/*.trans.txt")):
                chapter = transcript.parent
                split = official_split(chapter.parts[-3])
                for line in read_lines(transcript):
                    key, _, text = line.partition(" ")
                    yield Utterance(key, chapter.parts[-2], "en", Source(chapter / f"{key}.flac"), text, split)
