"""The packets inside an Ogg file."""

from __future__ import annotations

import struct

from recipes.benchmark.codec import CodecError

_HEADER_BYTES = 27
_NUM_HEADER_PACKETS = 2  # of Opus and of Speex alike: an identification and a comment


def packet_sizes(content: bytes) -> list[int]:
    """Bytes of each packet of the one stream in the file.

    Raises: CodecError when it is not Ogg.
    Source: RFC 3533, sections 5 and 6.
    """
    sizes, size, position = [], 0, 0
    while position < len(content):
        if content[position : position + 4] != b"OggS" or len(content) < position + _HEADER_BYTES:
            raise CodecError(f"expected an Ogg page at byte {position} of {len(content)}, found something else")
        (num_segments,) = struct.unpack_from("B", content, position + _HEADER_BYTES - 1)
        start = position + _HEADER_BYTES
        segments = content[start : start + num_segments]
        for segment in segments:
            size += segment
            if segment < 255:  # a shorter segment ends a packet
                sizes.append(size)
                size = 0
        position = start + num_segments + sum(segments)
    return sizes


def payload_bits(content: bytes) -> int:
    """Bits of sound in an Opus or Speex file: all packets but the two of its header."""
    return 8 * sum(packet_sizes(content)[_NUM_HEADER_PACKETS:])
