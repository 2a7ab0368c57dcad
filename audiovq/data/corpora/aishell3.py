"""AISHELL-3: 85 hours of 218 Mandarin speakers at 44.1 kHz, with its official test set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, hold_out, read_lines
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance

HOME = "https://www.openslr.org/93"
_SPEAKER_LETTERS = 7  # SSB0005 of SSB00050001.wav


@dataclasses.dataclass
class Aishell3:
    """The corpus below `root`: {train,test}/{content.txt,wav/SPEAKER/*.wav}."""

    root: Path

    def download(self) -> None:
        """Fetch it (19 GB). Raises: CorpusError if that fails."""
        from lhotse.recipes.aishell3 import download_aishell3

        with fetching(self.root, HOME):
            download_aishell3(self.root)

    def utterances(self) -> Iterator[Utterance]:
        """List the sentences in characters. For valid, one voice of train in twenty that test does not have is drawn.

        Raises: CorpusError if the corpus is not there.
        """
        folder = corpus_folder(self.root, ["data_aishell3"], "train/content.txt", HOME)
        found = [utterance for part in ("train", "test") for utterance in self._part(folder / part)]
        tested = {utterance.speaker for utterance in found if utterance.split == "test"}
        drawn = hold_out({utterance.speaker for utterance in found} - tested, ["valid"])
        for utterance in found:
            is_valid = utterance.split == "train" and drawn.get(utterance.speaker) == "valid"
            yield dataclasses.replace(utterance, split="valid") if is_valid else utterance

    @staticmethod
    def _part(folder: Path) -> Iterator[Utterance]:
        """The lines hold a file's name, a tab, and pairs of a character and its pinyin."""
        for number, line in enumerate(read_lines(folder / "content.txt"), start=1):
            name, tab, words = line.partition("\t")
            if not tab:
                raise CorpusError(f"{folder / 'content.txt'}:{number}: expected NAME.wav, a tab and text, got {line!r}")
            speaker, text = name[:_SPEAKER_LETTERS], "".join(words.split()[::2])
            source = Source(folder / "wav" / speaker / name)
            yield Utterance(name.removesuffix(".wav"), speaker, "zh", source, text, folder.name)
