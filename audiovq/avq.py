"""The .avq file format: a checked header and bit-packed codes. `audiovq.Codes` is what reads and writes it.

All numbers are little-endian:
    8 bytes   magic
    u16       format version
    u32       length of the header
    header    JSON with sorted keys: the fields of `Header`
    payload   level by level: rows (channel-major) x frames, each code in code_bits(V) bits, the most significant first;
              zero bits fill the last byte of a level
    u32       CRC-32 of everything before
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from reprlib import repr as short_repr
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiovq import units

# As in PNG: the first byte is not ASCII, and the line ends show a copy that was made as if the file were text.
MAGIC = b"\x89AVQ\r\n\x1a\n"
VERSION = 1
_PREFIX = struct.Struct("<8sHI")
_CRC = struct.Struct("<I")
_MAX_HEADER_BYTES = 1 << 16
_MAX_NUMBER = 1 << 48


class CodesError(ValueError):
    """Codes that contradict themselves, or a file from which no codes can be read."""


@dataclass(frozen=True)
class Header:
    """What a file says beside the codes; one entry per level in the tuples.

    Raises: CodesError for values of a wrong type, out of bounds, or that contradict one another.
    """

    sample_rate: int
    num_samples: int
    num_channels: int
    hop_lengths: tuple[int, ...]
    codebook_sizes: tuple[int, ...]
    num_codebooks: tuple[int, ...]
    model: str

    def __post_init__(self) -> None:
        per_level = (self.hop_lengths, self.codebook_sizes, self.num_codebooks)
        if not all(isinstance(values, tuple) for values in per_level):
            raise CodesError(
                f"hop lengths, codebook sizes and codebooks must be listed per level, got {short_repr(per_level)}"
            )
        if not self.hop_lengths or len({len(values) for values in per_level}) != 1:
            raise CodesError(
                f"hop lengths, codebook sizes and codebooks differ in their levels, got {short_repr(per_level)}"
            )
        # `type is int`, as True is a number to isinstance; the bound keeps all arithmetic on them small.
        for number in (self.sample_rate, self.num_samples, self.num_channels, *sum(per_level, ())):
            if type(number) is not int or not 1 <= number <= _MAX_NUMBER:
                raise CodesError(
                    f"rates, lengths, sizes and counts must be whole numbers of 1 or more, got {short_repr(number)}"
                )
        if any(coarse % fine for coarse, fine in pairwise(self.hop_lengths)):
            raise CodesError(f"each hop length must be a multiple of the next one, got {short_repr(self.hop_lengths)}")
        # The model's name gets printed: nothing in a file may steer the terminal.
        if not (isinstance(self.model, str) and self.model and self.model.isprintable()):
            raise CodesError(f"the model must be a name that can be printed, got {short_repr(self.model)}")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and frames of each level."""
        padded = units.padded_samples(self.num_samples, self.hop_lengths[0])
        levels = zip(self.num_codebooks, self.hop_lengths, strict=True)
        return [(self.num_channels * num_codebooks, padded // hop_length) for num_codebooks, hop_length in levels]


def to_bytes(header: Header, levels: Sequence[Tensor]) -> bytes:
    """The content of a file."""
    text = json.dumps(asdict(header), sort_keys=True, separators=(",", ":")).encode()
    payload = b"".join(map(_pack, levels, header.codebook_sizes))
    body = _PREFIX.pack(MAGIC, VERSION, len(text)) + text + payload
    return body + _CRC.pack(zlib.crc32(body))


def from_bytes(content: bytes) -> tuple[Header, tuple[Tensor, ...]]:
    """Read what `to_bytes` wrote; whether the codes lie inside their codebooks is for `Codes` to see.

    Raises: CodesError for anything else: another kind of content, a damaged copy, another format version.
    """
    if not content.startswith(MAGIC):
        raise CodesError("not an .avq file, or its first bytes are damaged")
    body = memoryview(content)[: -_CRC.size]
    if len(body) < _PREFIX.size or content[-_CRC.size :] != _CRC.pack(zlib.crc32(body)):
        raise CodesError("damaged .avq file (its checksum does not fit its content): copy it or encode it again")
    _, version, header_length = _PREFIX.unpack_from(body)
    if version != VERSION:
        advice = "update audiovq" if version > VERSION else "encode the audio again"
        raise CodesError(f"written in .avq format version {version}, this audiovq reads version {VERSION}: {advice}")
    start = _PREFIX.size + header_length
    if header_length > _MAX_HEADER_BYTES or start > len(body):
        raise CodesError(f"invalid .avq file: it promises a header of {header_length} bytes")
    header = _parse_header(bytes(body[_PREFIX.size : start]))
    # No memory is taken before the sizes promised are known to be those at hand: no header can ask for too much.
    sizes = [_packed_bytes(shape, size) for shape, size in zip(header.shapes, header.codebook_sizes, strict=True)]
    if sum(sizes) != len(body) - start:
        raise CodesError(f"invalid .avq file: it promises {sum(sizes)} bytes of codes and has {len(body) - start}")
    levels = []
    for shape, codebook_size, size in zip(header.shapes, header.codebook_sizes, sizes, strict=True):
        levels.append(_unpack(body[start : start + size], shape, codebook_size))
        start += size
    return header, tuple(levels)


def code_bits(codebook_size: int) -> int:
    """Bits of one code; never 0, so that the bytes of a file bound the number of its codes."""
    return max(1, (codebook_size - 1).bit_length())


def _parse_header(text: bytes) -> Header:
    try:
        values = json.loads(text)
    # ValueError: not JSON, not UTF-8, a number of too many digits. RecursionError: brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise CodesError("invalid .avq file: its header cannot be read") from error
    names = sorted(field.name for field in fields(Header))
    if not isinstance(values, dict) or sorted(values) != names:
        raise CodesError(f"invalid .avq file: its header must hold {', '.join(names)} and nothing else")
    listed: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    try:
        return Header(**listed)
    except CodesError as error:
        raise CodesError(f"invalid .avq file: {error}") from error


def _packed_bytes(shape: tuple[int, int], codebook_size: int) -> int:
    return (shape[0] * shape[1] * code_bits(codebook_size) + 7) // 8


def _pack(codes: Tensor, codebook_size: int) -> bytes:
    values, num_bits = codes.flatten().numpy(), code_bits(codebook_size)
    bits = np.empty((values.size, num_bits), dtype=np.uint8)
    for column in range(num_bits):
        bits[:, column] = (values >> (num_bits - 1 - column)) & 1
    return np.packbits(bits).tobytes()


def _unpack(packed: memoryview, shape: tuple[int, int], codebook_size: int) -> Tensor:
    count, num_bits = shape[0] * shape[1], code_bits(codebook_size)
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=count * num_bits).reshape(count, num_bits)
    values = np.zeros(count, dtype=np.int64)
    for column in range(num_bits):
        values = (values << 1) | bits[:, column]
    return torch.from_numpy(values).reshape(shape)
