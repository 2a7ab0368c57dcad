"""GTZAN: 1000 clips of 30 s in ten genres, 22.05 kHz, with the fault-filtered split."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching
from audiovq.data.corpora.utterance import Source, Utterance, make_id

HOME = "http://marsyas.info/downloads/datasets.html"


@dataclasses.dataclass
class Gtzan:
    """The corpus below `root`: genres/GENRE/GENRE.NUMBER.wav or .au.

    Source: Kereliuk, Sturm and Larsen, Deep Learning and Music Adversaries, 2015: no artist is on two sides of their
    split, which leaves out clips that are distorted or another one's copy; torchaudio holds the lists.
    """

    root: Path

    def download(self) -> None:
        """Fetch it (1.2 GB). Raises: CorpusError if that fails."""
        from torchaudio.datasets import GTZAN

        with fetching(self.root, HOME):
            GTZAN(str(self.root), download=True)

    def utterances(self) -> Iterator[Utterance]:
        """List the clips; the voice is the genre. Those that the split leaves out have a reason to be dropped.

        Raises: CorpusError if the corpus is not there.
        """
        from torchaudio.datasets import gtzan

        folder = corpus_folder(self.root, ["genres", "genres_original"], "blues/blues.*", HOME)
        parts = {"train": gtzan.filtered_train, "valid": gtzan.filtered_valid, "test": gtzan.filtered_test}
        split = {name: part for part, names in parts.items() for name in names}
        for path in sorted(folder.glob("*/*.[0-9]*.*")):
            genre = path.parent.name
            yield Utterance(
                make_id(genre, path.stem.removeprefix(f"{genre}.")),
                genre,
                "und",
                Source(path),
                split=split.get(path.stem, "train"),
                drop_reason="" if path.stem in split else "not in the fault-filtered split: distorted or a copy",
                labels={"genre": genre},
            )
