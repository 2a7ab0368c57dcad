"""MAESTRO 3: 199 hours of piano competitions on Disklaviers, 44.1 and 48 kHz stereo, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import by_hand, corpus_folder, official_split, read_rows
from audiovq.data.corpora.utterance import Source, Utterance, make_id, slug

HOME = "https://magenta.tensorflow.org/datasets/maestro"


@dataclasses.dataclass
class Maestro:
    """The corpus below `root`: maestro-v3.0.0/{maestro-v3.0.0.csv,YEAR/*.wav}."""

    root: Path

    def download(self) -> None:
        """Say where it is. Raises: CorpusError always."""
        raise by_hand(self.root, HOME)

    def utterances(self) -> Iterator[Utterance]:
        """List the performances. The voice is the composer, who may be in several splits: those part performances.

        Raises: CorpusError if the corpus is not there.
        """
        folder = corpus_folder(self.root, ["maestro-v3.0.0"], "maestro-v3.0.0.csv", HOME)
        columns = ("canonical_composer", "canonical_title", "split", "year", "audio_filename")
        for row in read_rows(folder / "maestro-v3.0.0.csv", columns):
            path = folder / row["audio_filename"]
            composer = row["canonical_composer"]
            labels = {"composer": composer, "title": row["canonical_title"], "year": row["year"]}
            key = make_id(slug(composer), f"{row['year']}-{path.stem}")
            yield Utterance(key, slug(composer), "zxx", Source(path), split=official_split(row["split"]), labels=labels)
