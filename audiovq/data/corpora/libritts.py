"""LibriTTS and LibriTTS-R: 585 hours of English audiobooks by 2456 readers at 24 kHz, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, official_split, read_lines
from audiovq.data.corpora.utterance import Source, Utterance, make_id
from audiovq.data.words import squeeze

HOME = "https://www.openslr.org/60 (LibriTTS-R: https://www.openslr.org/141)"


@dataclasses.dataclass
class LibriTTS:
    """The corpus below `root`: LibriTTS/PART/READER/CHAPTER/{*.wav,*.normalized.txt}.

    Args:
        parts: those to fetch and to list, such as dev-clean; none: all, and all that are there.
        restored: whether it is LibriTTS-R, the same recordings as a model has cleaned them.
    """

    root: Path
    parts: list[str] = dataclasses.field(default_factory=list)
    restored: bool = False

    def download(self) -> None:
        """Fetch the parts (all: 80 GB). Raises: CorpusError if that fails."""
        from lhotse.recipes.libritts import download_libritts

        with fetching(self.root, HOME):
            download_libritts(self.root, use_librittsr=self.restored, dataset_parts=self.parts or "all")

    def utterances(self) -> Iterator[Utterance]:
        """List the recordings, part by part.

        Raises: CorpusError if a part is not there.
        """
        name = "LibriTTS_R" if self.restored else "LibriTTS"
        for part in self.parts or ["*-*"]:
            folder = corpus_folder(self.root, [name], f"{part}/*/*/*.wav", HOME)
            for path in sorted(folder.glob(f"{part}/*/*/*.wav")):
                speaker, split = path.parts[-3], official_split(path.parts[-4])
                if path.name.startswith("._"):  # what macOS put beside some files of LibriTTS-R
                    continue
                words = path.with_suffix(".normalized.txt")
                text = squeeze(" ".join(read_lines(words))) if words.exists() else ""
                # READER_CHAPTER_...: with a - after the reader, ids sort as readers do.
                yield Utterance(
                    make_id(speaker, path.stem.removeprefix(f"{speaker}_")), speaker, "en", Source(path), text, split
                )
