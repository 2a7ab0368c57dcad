"""NSynth: 305,979 notes of 1006 instruments, 4 s each at 16 kHz, with its official splits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import by_hand, corpus_folder, official_split
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance

HOME = "https://magenta.tensorflow.org/datasets/nsynth"
_LABELS = ("instrument_family_str", "instrument_source_str", "pitch", "velocity")


@dataclasses.dataclass
class NSynth:
    """The corpus below `root`: nsynth-{train,valid,test}/{examples.json,audio/*.wav}."""

    root: Path

    def download(self) -> None:
        """Say where it is. Raises: CorpusError always."""
        raise by_hand(self.root, HOME)

    def utterances(self) -> Iterator[Utterance]:
        """List the notes of the parts that are there; the voice is the instrument.

        Raises: CorpusError if there is no part.
        """
        folder = corpus_folder(self.root, [], "nsynth-*/examples.json", HOME)
        for listing in sorted(folder.glob("nsynth-*/examples.json")):
            split = official_split(listing.parent.name.removeprefix("nsynth-"))
            try:
                notes = json.loads(listing.read_text("utf-8"))
            except ValueError as error:
                raise CorpusError(f"{listing} is not whole JSON: {error}") from error
            for key, note in notes.items():
                labels = {name.removesuffix("_str"): str(note[name]) for name in _LABELS}
                source = Source(listing.parent / f"audio/{key}.wav")
                yield Utterance(key, note["instrument_str"], "zxx", source, split=split, labels=labels)
