"""MUSDB18-HQ: 150 songs at 44.1 kHz stereo, each as a mixture and as four stems, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id, slug

HOME = "https://zenodo.org/records/3338373"
STEMS = ("mixture", "bass", "drums", "other", "vocals")

# Of the songs in train/, those that the maintainers' own tools use for validation.
VALIDATION = (
    "ANiMAL - Rockshow",
    "Actions - One Minute Smile",
    "Alexander Ross - Goodbye Bolero",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Fergessen - Nos Palpitants",
    "James May - On The Line",
    "Johnny Lokke - Promises & Lies",
    "Leaf - Summerghost",
    "Meaxic - Take A Step",
    "Patrick Talbot - A Reason To Leave",
    "Skelpolu - Human Mistakes",
    "Traffic Experiment - Sirens",
    "Triviul - Angelsaint",
    "Young Griffo - Pennies",
)


@dataclasses.dataclass
class Musdb18:
    """The corpus below `root`: musdb18hq/{train,test}/ARTIST - TITLE/STEM.wav.

    Args:
        stems: what to list of each song.
    """

    root: Path
    stems: list[str] = dataclasses.field(default_factory=lambda: ["mixture"])

    def __post_init__(self) -> None:
        unknown = [stem for stem in self.stems if stem not in STEMS]
        if unknown or not self.stems:
            raise CorpusError(f"stems is {list(self.stems)}, expected some of {', '.join(STEMS)}")

    def download(self) -> None:
        """Fetch it (23 GB). Raises: CorpusError if that fails."""
        from torchaudio.datasets import MUSDB_HQ

        with fetching(self.root, HOME):
            MUSDB_HQ(str(self.root), "train", download=True)

    def utterances(self) -> Iterator[Utterance]:
        """List the stems that are asked for, song by song. The voice is the artist.

        Raises: CorpusError if the corpus is not there.
        """
        folder = corpus_folder(self.root, ["musdb18hq"], "train/*/mixture.wav", HOME)
        for mixture in sorted(folder.glob("*/*/mixture.wav")):
            song = mixture.parent
            artist, _, title = song.name.partition(" - ")
            split = "valid" if song.name in VALIDATION else song.parent.name
            for stem in self.stems:
                labels = {"artist": artist, "title": title, "stem": stem}
                key = make_id(slug(artist), f"{title}-{stem}")
                source = Source(song / f"{stem}.wav")
                yield Utterance(key, slug(artist), "und", source, split=split, labels=labels)
