"""VCTK 0.92: 44 hours of 110 English readers with many accents, at 48 kHz."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, hold_out, read_lines
from audiovq.data.corpora.utterance import Source, Utterance
from audiovq.data.words import squeeze

HOME = "https://datashare.ed.ac.uk/handle/10283/3443"


@dataclasses.dataclass
class VCTK:
    """The corpus below `root`: VCTK-Corpus-0.92/{txt,wav48_silence_trimmed}/SPEAKER/SPEAKER_NUMBER*.

    Args:
        microphone: 1 (close, all speakers) or 2 (wider band; not for p280 and p315).
    """

    root: Path
    microphone: int = 1

    def download(self) -> None:
        """Fetch it (11 GB). Raises: CorpusError if that fails."""
        from torchaudio.datasets import VCTK_092

        with fetching(self.root, HOME):
            VCTK_092(str(self.root), download=True)

    def utterances(self) -> Iterator[Utterance]:
        """List the recordings of one microphone. There is no official split: one voice in twenty is held out for each.

        Raises: CorpusError if the corpus is not there.
        """
        pattern = f"wav48_silence_trimmed/*/*_mic{self.microphone}.flac"
        folder = corpus_folder(self.root, ["VCTK-Corpus-0.92"], pattern, HOME)
        paths = sorted(folder.glob(pattern))
        split = hold_out({path.parent.name for path in paths})
        for path in paths:
            speaker, key = path.parent.name, path.stem.removesuffix(f"_mic{self.microphone}")
            words = folder / f"txt/{speaker}/{key}.txt"  # p315 has none
            text = squeeze(" ".join(read_lines(words))) if words.exists() else ""
            yield Utterance(key, speaker, "en", Source(path), text, split[speaker])
