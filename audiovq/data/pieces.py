"""A corpus in pieces of bounded size, each with its share of every voice: to carry it where only small files can go.

A piece is a tar archive of FLAC files and of cuts.jsonl, which names them; it can be unpacked and used alone.
"""

from __future__ import annotations

import json
import random
import shutil
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lhotse import CutSet
from lhotse.cut import Cut, MonoCut

from audiovq.system.files import write_atomically

CUTS = "cuts.jsonl"
_ENTRY_BYTES = 1024  # what a tar archive adds to a file at most: its header, and padding to whole blocks
_END_BYTES = 20 * 512 + _ENTRY_BYTES  # and what it ends with, and the entry of the cuts


class PieceError(ValueError):
    """Not a piece, or one that is damaged."""


def mixed(cuts: Iterable[Cut], seed: int) -> list[Cut]:
    """The cuts in an order whose every stretch has its share of each voice."""
    voices: defaultdict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        voices[cut.supervisions[0].speaker or ""].append(cut)
    placed = []
    for voice, own in voices.items():
        draw = random.Random(f"{seed} {voice}")
        own.sort(key=lambda cut: str(cut.id))
        draw.shuffle(own)
        begin = draw.random()  # else all voices of few cuts would come at the same places
        placed += [((index + begin) / len(own), cut.id, cut) for index, cut in enumerate(own)]
    return [cut for _, _, cut in sorted(placed, key=lambda place: place[:2])]


def pack(cuts: Iterable[Cut], folder: Path, max_bytes: int, name: str = "piece") -> Iterator[Path]:
    """Write the cuts in their order as NAME-000.tar and so on, none larger than ``max_bytes``.

    Raises: ValueError when one cut alone is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number, size, entries = 0, _END_BYTES, list[tuple[str, Path]]()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for index, cut in enumerate(cuts):
            sound = Path(scratch) / f"{index:06d}.flac"
            line = _saved(cut, sound)
            needed = len(line.encode()) + sound.stat().st_size + _ENTRY_BYTES
            if needed + _END_BYTES > max_bytes:
                raise ValueError(f"{cut.id} alone takes {needed} bytes as FLAC, more than a piece of {max_bytes} holds")
            if size + needed > max_bytes:
                yield _write(folder / f"{name}-{number:03d}.tar", entries)
                number, size, entries = number + 1, _END_BYTES, []
            entries.append((line, sound))
            size += needed
        if entries:
            yield _write(folder / f"{name}-{number:03d}.tar", entries)


def unpack(pieces: Iterable[Path], folder: Path) -> CutSet:
    """Unpack pieces into a folder, beside those that are there already; returns the cuts of all that are there.

    Raises: PieceError for a file that is no whole piece.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        if not (folder / piece.stem).exists():
            _unpack_one(piece, folder / piece.stem)
    found = CutSet()
    for listed in sorted(folder.glob(f"*/{CUTS}")):
        found += CutSet.from_file(listed).with_recording_path_prefix(listed.parent.resolve())
    return found.to_eager()


def _saved(cut: Cut, file: Path) -> str:
    """Write the sound of a cut, and return the line that describes it, with a path relative to the file's folder."""
    saved = cut.save_audio(file, format="flac")
    assert isinstance(saved, MonoCut) and saved.recording is not None
    saved.recording.sources[0].source = file.name
    return json.dumps(saved.to_dict(), ensure_ascii=False) + "\n"


def _write(path: Path, entries: Sequence[tuple[str, Path]]) -> Path:
    listed = entries[0][1].with_name(CUTS)
    listed.write_text("".join(line for line, _ in entries), "utf-8")
    with write_atomically(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for part in (listed, *(sound for _, sound in entries)):
            archive.add(part, part.name)
            part.unlink()
    return path


def _unpack_one(piece: Path, target: Path) -> None:
    """All of a piece or nothing."""
    part = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        with tarfile.open(piece) as archive:
            if hasattr(tarfile, "data_filter"):  # Python 3.10.12 and 3.11.4 brought it
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(part)
        named = {cut.recording.sources[0].source for cut in CutSet.from_file(part / CUTS)}
        missing = sorted(named - {path.name for path in part.iterdir()})
        if missing:
            raise PieceError(f"{piece}: {len(missing)} of {len(named)} sounds are not in it, {missing[0]} the first")
        part.rename(target)
    except (tarfile.TarError, FileNotFoundError) as error:
        raise PieceError(f"{piece} is no whole piece: {error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
