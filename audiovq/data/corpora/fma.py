"""FMA: 30 s clips and whole tracks of the Free Music Archive in 161 genres, MP3, with its official splits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.layout import by_hand, cells, corpus_folder, official_split, rows_of
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id

HOME = "https://github.com/mdeff/fma"
_COLUMNS = ("track_id", "set.split", "artist.id", "artist.name", "track.genre_top", "track.title")


@dataclasses.dataclass
class FMA:
    """The corpus below `root`: fma_metadata/tracks.csv and fma_SUBSET/NNN/*.mp3.

    Args:
        subset: small (8000 clips, 66 hours), medium, large or full (whole tracks).
    """

    root: Path
    subset: str = "small"

    def download(self) -> None:
        """Say where it is. Raises: CorpusError always."""
        raise by_hand(self.root, HOME)

    def utterances(self) -> Iterator[Utterance]:
        """List the tracks of the subset; the voice is the artist.

        Raises: CorpusError if the corpus or its metadata are not there, or if these lack a track.
        """
        folder = corpus_folder(self.root, [], f"fma_{self.subset}/*/*.mp3", HOME)
        known = _tracks(folder / "fma_metadata/tracks.csv")
        for path in sorted(folder.glob(f"fma_{self.subset}/*/*.mp3")):
            track = known.get(path.stem.lstrip("0"))
            if track is None:
                raise CorpusError(f"{path} is not in {folder / 'fma_metadata/tracks.csv'}")
            labels = {"genre": track["track.genre_top"], "artist": track["artist.name"], "title": track["track.title"]}
            speaker = f"artist{track['artist.id']}"
            yield Utterance(
                make_id(speaker, path.stem),
                speaker,
                "und",
                Source(path),
                split=official_split(track["set.split"]),
                labels={name: value for name, value in labels.items() if value},
            )


def _tracks(path: Path) -> dict[str, dict[str, str]]:
    """The rows by their track. Three lines name the columns: groups, names, and the name of the first."""
    rows = [row for row in cells(path) if row]
    groups, names, first = rows[:3] if len(rows) >= 3 else ([], [], [])
    header = [f"{group}.{name}" for group, name in zip(groups, names, strict=False)]
    table = [[*first[:1], *header[1:]], *rows[3:]]
    return {row["track_id"]: row for row in rows_of(path, table, _COLUMNS)}
