"""Ogg pages laid out by hand."""

import pytest

from recipes.benchmark.codec import CodecError
from recipes.benchmark.ogg import packet_sizes, payload_bits


def page(segments: list[int]) -> bytes:
    """A page with segments of these lengths."""
    return b"OggS" + bytes(22) + bytes([len(segments), *segments]) + b"x" * sum(segments)


def test_a_packet_may_be_many_segments_and_go_on_in_the_next_page() -> None:
    # 255 + 255 + 10 over two pages; a packet of 255 ends with a segment of 0; then one of 7.
    content = page([19]) + page([40, 255, 255]) + page([10, 255, 0, 7])
    assert packet_sizes(content) == [19, 40, 520, 255, 7]
    assert payload_bits(content) == 8 * (520 + 255 + 7)


def test_what_is_not_ogg_is_refused() -> None:
    with pytest.raises(CodecError, match="expected an Ogg page at byte 29 of 33"):
        packet_sizes(page([1]) + b"RIFF")
