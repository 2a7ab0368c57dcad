"""Common Voice: sentences read by volunteers in more than 100 languages, MP3, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import corpus_folder, fetching, official_split, read_rows
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id, slug
from audiovq.data.words import squeeze

HOME = "https://commonvoice.mozilla.org/datasets"
_SPEAKER_LETTERS = 16  # of the 128 hexadecimal ones of a client: enough to tell all volunteers apart


@dataclasses.dataclass
class CommonVoice:
    """The corpus below `root`: cv-corpus-RELEASE/LANGUAGE/{train,dev,test}.tsv and clips/*.mp3.

    Args:
        languages: those to fetch and to list, such as cy; none to list: all that are there.
        release: the one to fetch and to list.
    """

    root: Path
    languages: list[str] = dataclasses.field(default_factory=list)
    release: str = "cv-corpus-13.0-2023-03-09"

    def download(self) -> None:
        """Fetch the languages; releases before 8.0 want to be asked for by hand. Raises: CorpusError if that fails."""
        from lhotse.recipes.commonvoice import download_commonvoice

        if not self.languages:
            raise CorpusError("say which languages to download, for example corpus.languages=[cy]")
        with fetching(self.root, HOME):
            download_commonvoice(self.root, self.languages, release=self.release)

    def utterances(self) -> Iterator[Utterance]:
        """List the clips of train, dev and test.

        Raises: CorpusError if a language is not there.
        """
        for language in self.languages or ["*"]:
            folder = corpus_folder(self.root, [self.release], f"{language}/train.tsv", HOME)
            for table in sorted(folder.glob(f"{language}/train.tsv")):
                for part in ("train", "dev", "test"):
                    yield from self._part(table.with_name(f"{part}.tsv"))

    @staticmethod
    def _part(table: Path) -> Iterator[Utterance]:
        language, split = table.parent.name, official_split(table.stem)
        for row in read_rows(table, ["client_id", "path", "sentence"], "\t"):
            speaker = slug(f"{language}_{row['client_id'][:_SPEAKER_LETTERS]}")
            path = table.parent / "clips" / row["path"]
            labels = {name: row[name] for name in ("age", "gender", "accents") if row.get(name)}
            key = make_id(speaker, path.stem)
            yield Utterance(key, speaker, language, Source(path), squeeze(row["sentence"]), split, labels=labels)
