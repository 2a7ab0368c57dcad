"""Speech and text inside queen.1c, the archive of the game Flight of the Amazon Queen.

The archive starts with "QTBL", a version of 6 bytes and two more, the compression (1: MP3) and the number of entries;
then comes an entry a file: name (12 bytes), bundle (1), offset and size (big-endian, 4 each). `.SB` files are MP3
streams. `.DOG` files are dialogues: a line's text is cut at `*` commands, and each piece is spoken by one `.SB` file,
whose name holds the dialogue's key, the line's number, J (the hero, Joe) or P (the person he talks to) and the number
of the piece.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora.utterance import CorpusError
from audiovq.data.words import squeeze

_HEADER_BYTES = 15
_ENTRY = struct.Struct(">12sxII")
_DIALOGUE_PREFIX_BYTES = 20
_PICTURE_RECORD_BYTES = 96


def read_archive(path: Path) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """The archive's bytes, and for each file in it its offset and size in bytes."""
    data = path.read_bytes()
    if data[:4] != b"QTBL":
        raise CorpusError(f"{path}: not an archive of the talking version (starts with {data[:4]!r}, expected b'QTBL')")
    (count,) = struct.unpack_from(">H", data, 13)
    entries = {}
    for name, offset, size in _ENTRY.iter_unpack(data[_HEADER_BYTES : _HEADER_BYTES + count * _ENTRY.size]):
        entries[name.split(b"\0")[0].decode("latin1")] = (offset, size)
    return data, entries


def read_texts(data: bytes, entries: dict[str, tuple[int, int]]) -> dict[str, str]:
    """The text of each `.SB` file that a dialogue names."""
    spelled = {name.upper(): name for name in entries}
    texts = {}
    for name, (offset, size) in entries.items():
        if name.endswith(".DOG"):
            for key, words in _dialogue(data[offset + _DIALOGUE_PREFIX_BYTES : offset + size]):
                if key in spelled:
                    texts[spelled[key]] = words
    return texts


def _dialogue(data: bytes) -> Iterator[tuple[str, str]]:
    levels, _, key, num_joe, num_person = struct.unpack_from(">5h", data)
    (person_offset,) = struct.unpack_from(">H", data, 22)
    joe_offset = 32 + abs(levels) * _PICTURE_RECORD_BYTES
    for offset, count, who in ((joe_offset, num_joe, "J"), (person_offset, num_person, "P")):
        for _ in range(count):
            if offset + 5 > len(data):
                break
            (number,) = struct.unpack_from(">H", data, offset + 2)
            words, offset = _string(data, offset + 4)
            for piece_number, piece in enumerate(_pieces(words), start=1):
                if piece.strip():
                    yield f"{key:2d}{number:4x}{who}{piece_number:x}.SB".replace(" ", "0").upper(), squeeze(piece)


def _string(data: bytes, offset: int) -> tuple[str, int]:
    """A string that its length precedes, and where the next record starts (records are aligned to 4 bytes)."""
    size = data[offset]
    if size == 0:
        return "", offset + 1
    return data[offset + 1 : offset + 1 + size].decode("latin1"), (offset + size + 4) & ~3


def _pieces(words: str) -> list[str]:
    """The text between commands, empty or not. A command is `*` and two letters; `*XY` has 11 more characters."""
    pieces, start, i = [], 0, 0
    while i < len(words):
        if words[i] != "*":
            i += 1
            continue
        pieces.append(words[start:i])
        i += 14 if words[i + 1 : i + 3] == "XY" else 3
        start = i
    return pieces + ([words[start:]] if start != i else [])
