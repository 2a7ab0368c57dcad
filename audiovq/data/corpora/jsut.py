"""JSUT: 10 hours of one Japanese reader at 48 kHz."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import by_hand, corpus_folder, hold_out, read_lines
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id
from audiovq.data.words import squeeze

HOME = "https://sites.google.com/site/shinnosuketakamichi/publication/jsut"


@dataclasses.dataclass
class JSUT:
    """The corpus below `root`: jsut_ver1.1/SUBCORPUS/{transcript_utf8.txt,wav/*.wav}."""

    root: Path

    def download(self) -> None:
        """Say where it is. Raises: CorpusError always."""
        raise by_hand(self.root, HOME)

    def utterances(self) -> Iterator[Utterance]:
        """List the sentences. There is no official split: one sentence in twenty is held out for each.

        Raises: CorpusError if the corpus is not there.
        """
        folder = corpus_folder(self.root, ["jsut_ver1.1", "jsut_ver1"], "*/transcript_utf8.txt", HOME)
        sentences: dict[str, tuple[Path, str]] = {}
        for transcript in sorted(folder.glob("*/transcript_utf8.txt")):
            for number, line in enumerate(read_lines(transcript), start=1):
                key, colon, text = line.partition(":")
                if not colon or key in sentences:
                    raise CorpusError(f"{transcript}:{number}: expected NEW_ID:TEXT, got {line!r}")
                sentences[key] = (transcript.parent / f"wav/{key}.wav", squeeze(text))
        split = hold_out(sentences)
        for key, (path, text) in sentences.items():
            yield Utterance(make_id("jsut", key), "jsut", "ja", Source(path), text, split[key])
