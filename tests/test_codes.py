import errno
import json
import os
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from fractions import Fraction
from math import log2
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiovq import avq
from audiovq.codes import Codes, CodesError

# A change of these bytes is a new format: raise avq.VERSION, and say in CHANGELOG.md what becomes of old files.
GOLDEN = (
    "894156510d0a1a0a0100910000007b22636f6465626f6f6b5f73697a6573223a5b332c313032345d2c22686f705f6c656e67746873223a5b382c"
    "345d2c226d6f64656c223a2274696e7940303132336162222c226e756d5f6368616e6e656c73223a312c226e756d5f636f6465626f6f6b73223a"
    "5b312c325d2c226e756d5f73616d706c6573223a31332c2273616d706c655f72617465223a31363030307d"
)


def make_codes(**changes: Any) -> Codes:
    values: dict[str, Any] = {
        "levels": (torch.tensor([[2, 1]]), torch.tensor([[0, 1, 512, 1023], [7, 6, 5, 4]])),
        "sample_rate": 16000,
        "num_samples": 13,
        "hop_lengths": (8, 4),
        "codebook_sizes": (3, 1024),
        "model": "tiny@0123ab",
    }
    return Codes(**(values | changes))


@st.composite
def any_codes(draw: st.DrawFn) -> Codes:
    factors = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    hop_lengths: list[int] = []
    hop_length = draw(st.integers(1, 5))
    for factor in factors:
        hop_length *= factor
        hop_lengths.insert(0, hop_length)
    sizes = draw(st.lists(st.integers(1, 5000) | st.just(1 << 40), min_size=len(factors), max_size=len(factors)))
    num_samples = draw(st.integers(1, 100))
    num_channels = draw(st.integers(1, 3))
    padded = -(-num_samples // hop_lengths[0]) * hop_lengths[0]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    levels = []
    for hop, size in zip(hop_lengths, sizes, strict=True):
        shape = (num_channels * draw(st.integers(1, 3)), padded // hop)
        levels.append(torch.randint(size, shape, generator=generator))
        levels[-1][0, 0] = size - 1
    return Codes(
        levels=tuple(levels),
        sample_rate=draw(st.integers(1, 200_000)),
        num_samples=num_samples,
        hop_lengths=tuple(hop_lengths),
        codebook_sizes=tuple(sizes),
        model=draw(st.sampled_from(["a@1", "speech-16k@0f", "Übung@ß"])),
        num_channels=num_channels,
    )


def with_crc(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def forge(edit: Callable[[dict[str, Any]], object], payload: bytes | None = None) -> bytes:
    """The golden file with an edited header and a right checksum."""
    content = make_codes().to_bytes()
    (length,) = struct.unpack_from("<I", content, 10)
    header = json.loads(content[14 : 14 + length])
    edit(header)
    return forge_text(json.dumps(header).encode(), content[14 + length : -4] if payload is None else payload)


def forge_text(text: bytes, payload: bytes = b"", version: int = avq.VERSION) -> bytes:
    return with_crc(struct.pack("<8sHI", avq.MAGIC, version, len(text)) + text + payload)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@settings(max_examples=200, deadline=None)
@given(any_codes())
def test_bytes_round_trip(codes: Codes) -> None:
    again = Codes.from_bytes(codes.to_bytes())
    assert again == codes
    assert again.to_bytes() == codes.to_bytes()
    assert all(level.dtype == torch.int64 for level in again.levels)


@settings(max_examples=50, deadline=None)
@given(any_codes())
def test_channels_and_prefixes_are_parts_of_the_whole(codes: Codes) -> None:
    channels = [codes.channel(index) for index in range(codes.num_channels)]
    for level, whole in enumerate(codes.levels):
        assert torch.equal(torch.cat([channel.levels[level] for channel in channels]), whole)
    assert sum(channel.bits_per_second for channel in channels) == pytest.approx(codes.bits_per_second)
    for levels in range(1, codes.num_levels + 1):
        prefix = codes.prefix(levels)
        assert prefix.num_levels == levels and prefix.num_samples == codes.num_samples
        assert Codes.from_bytes(prefix.to_bytes()) == prefix
    assert codes.prefix(codes.num_levels) == codes


def test_file_bytes_are_fixed() -> None:
    # 2 and 1 in two bits, 0 1 512 1023 7 6 5 4 in ten bits, each level filled up to whole bytes.
    payload = bytes([0b10_01_0000]) + int("".join(f"{n:010b}" for n in (0, 1, 512, 1023, 7, 6, 5, 4)), 2).to_bytes(
        10, "big"
    )
    assert make_codes().to_bytes() == with_crc(bytes.fromhex(GOLDEN) + payload)
    assert Codes.from_bytes(with_crc(bytes.fromhex(GOLDEN) + payload)) == make_codes()


def test_properties() -> None:
    codes = make_codes()
    assert (codes.num_levels, codes.num_codebooks) == (2, (1, 2))
    assert codes.frame_rates == (Fraction(2000), Fraction(4000))
    assert codes.bits_per_second == pytest.approx(2000 * log2(3) + 2 * 4000 * 10)
    assert codes.duration_seconds == 13 / 16000
    stereo = make_codes(levels=[codes.levels[0].repeat(2, 1), codes.levels[1].repeat(2, 1)], num_channels=2)
    assert stereo.num_codebooks == (1, 2)
    assert stereo.bits_per_second == pytest.approx(2 * codes.bits_per_second)
    assert stereo.channel(1) == codes


def test_a_size_that_is_no_power_of_two_takes_the_next_whole_bit() -> None:
    assert [avq.code_bits(size) for size in (1, 2, 3, 4, 5, 1000, 1024, 1025)] == [1, 1, 2, 2, 3, 10, 10, 11]


def test_equality_is_by_content() -> None:
    assert make_codes() == make_codes()
    assert make_codes(levels=[level.to(torch.int32) for level in make_codes().levels]) == make_codes()
    assert make_codes(model="tiny@other") != make_codes()
    assert make_codes(num_samples=14) != make_codes()
    assert make_codes(levels=(torch.tensor([[2, 2]]), make_codes().levels[1])) != make_codes()
    assert make_codes() != "codes"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"levels": (torch.tensor([[2, 3]]), torch.zeros(2, 4).long())}, "code 3; its codebook goes from 0 to 2"),
        ({"levels": (torch.tensor([[2, -1]]), torch.zeros(2, 4).long())}, "code -1"),
        ({"levels": (torch.tensor([[2.0, 1.0]]), torch.zeros(2, 4).long())}, "float32"),
        ({"levels": (torch.tensor([2, 1]), torch.zeros(2, 4).long())}, r"shape \(2,\)"),
        ({"levels": (torch.tensor([[2, 1, 1]]), torch.zeros(2, 4).long())}, r"need \(1, 2\)"),
        ({"levels": (torch.tensor([[2, 1]]), torch.zeros(2, 3).long())}, r"need \(2, 4\)"),
        ({"levels": (torch.tensor([[2, 1]]),)}, "differ in their levels"),
        ({"levels": (), "hop_lengths": (), "codebook_sizes": ()}, "differ in their levels"),
        ({"hop_lengths": (8, 3)}, "multiple"),
        ({"hop_lengths": (4, 8)}, "multiple"),
        ({"num_samples": 17}, "shape"),
        ({"num_samples": 0}, "got 0"),
        ({"num_samples": 13.0}, "got 13.0"),
        ({"sample_rate": True}, "got True"),
        ({"codebook_sizes": (3, 0)}, "got 0"),
        ({"num_channels": 2}, "cannot be divided into 2 channels"),
        ({"num_channels": 0}, "0 channels"),
        ({"model": ""}, "model"),
        ({"model": "red\x1b[31m"}, r"\\x1b"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CodesError, match=message):
        make_codes(**changes)


def test_parts_that_do_not_exist_are_refused() -> None:
    for levels in (0, 3):
        with pytest.raises(CodesError, match="take 1 to 2"):
            make_codes().prefix(levels)
    for channel in (-1, 1):
        with pytest.raises(CodesError, match=f"no channel {channel}"):
            make_codes().channel(channel)


def test_every_changed_byte_is_reported() -> None:
    content = make_codes().to_bytes()
    rng = random.Random(0)
    positions = [*range(len(content)), *(rng.randrange(len(content)) for _ in range(2000))]
    for position in positions:
        mutated = bytearray(content)
        mutated[position] ^= rng.randrange(1, 256)
        with pytest.raises(CodesError, match="damaged"):
            Codes.from_bytes(bytes(mutated))


def test_every_truncation_and_addition_is_reported() -> None:
    content = make_codes().to_bytes()
    rng = random.Random(0)
    for length in range(len(content)):
        with pytest.raises(CodesError, match="damaged"):
            Codes.from_bytes(content[:length])
    for length in range(1, 300):
        with pytest.raises(CodesError, match="damaged"):
            Codes.from_bytes(content + rng.randbytes(length))
    # A CRC-32 of content and its own CRC-32 is a constant: with it appended the checksum is right again.
    with pytest.raises(CodesError, match="promises 11 bytes of codes and has 15"):
        Codes.from_bytes(with_crc(content))


@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda header: header.update(num_samples=2**47), "bytes of codes"),
        (lambda header: header.update(num_samples=2**47, codebook_sizes=[1, 1]), "bytes of codes"),
        (lambda header: header.update(num_samples=2**64), "whole numbers"),
        (lambda header: header.update(num_samples=10**4000), "whole numbers"),
        (lambda header: header.update(num_samples=21), "bytes of codes"),
        (lambda header: header.update(num_samples=-13), "whole numbers"),
        (lambda header: header.update(num_samples=None), "whole numbers"),
        (lambda header: header.update(num_samples=13.0), "whole numbers"),
        (lambda header: header.update(num_channels=2**40), "bytes of codes"),
        (lambda header: header.update(num_codebooks=[2**40, 2]), "bytes of codes"),
        (lambda header: header.update(num_codebooks=[1, 2, 3]), "levels"),
        (lambda header: header.update(codebook_sizes=[4, 2**60]), "whole numbers"),
        (lambda header: header.update(codebook_sizes=[[], 1024]), "whole numbers"),
        (lambda header: header.update(hop_lengths=[0, 0]), "whole numbers"),
        (lambda header: header.update(hop_lengths=8), "per level"),
        (lambda header: header.update(hop_lengths=[], codebook_sizes=[], num_codebooks=[]), "levels"),
        (lambda header: header.update(hop_lengths=[1] * 9000), "levels"),
        (lambda header: header.update(model=["a"]), "model"),
        (lambda header: header.update(model="\x1b[2J"), "model"),
        (lambda header: header.update(extra=1), "nothing else"),
        (lambda header: header.pop("model"), "nothing else"),
    ],
)
def test_forged_headers_are_refused_without_taking_memory(
    edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    content = forge(edit)
    tracemalloc.start()
    try:
        with pytest.raises(CodesError, match=message):
            Codes.from_bytes(content)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 60_000, b"9" * 60_000, b'{"model":' * 6000, b"import os"]
)
def test_headers_that_are_not_ours_are_refused(text: bytes) -> None:
    with pytest.raises(CodesError, match="header"):
        Codes.from_bytes(forge_text(text))


def test_header_lengths_are_bounded() -> None:
    for length in (2**32 - 1, 2**16 + 1, 20):
        with pytest.raises(CodesError, match=f"a header of {length} bytes"):
            Codes.from_bytes(with_crc(struct.pack("<8sHI", avq.MAGIC, avq.VERSION, length) + b"{}"))
    with pytest.raises(CodesError, match="a header of 70000 bytes"):
        Codes.from_bytes(forge_text(b" " * 70_000))


def test_codes_outside_their_codebook_are_refused() -> None:
    payload = bytes([0b11_01_0000]) + bytes(10)
    with pytest.raises(CodesError, match="level 0 holds the code 3; its codebook goes from 0 to 2"):
        Codes.from_bytes(forge(dict, payload))


def test_other_versions_say_what_to_do() -> None:
    with pytest.raises(CodesError, match=r"version 2, this audiovq reads version 1: update audiovq"):
        Codes.from_bytes(forge_text(b"new", version=2))
    with pytest.raises(CodesError, match=r"version 0, this audiovq reads version 1: encode the audio again"):
        Codes.from_bytes(forge_text(b"old", version=0))


def test_save_and_load(tmp_path: Path) -> None:
    make_codes().save(tmp_path / "a.avq")
    assert Codes.load(tmp_path / "a.avq") == Codes.load(str(tmp_path / "a.avq")) == make_codes()
    os.link(tmp_path / "a.avq", tmp_path / "old.avq")
    make_codes(model="other@1").save(tmp_path / "a.avq")
    assert Codes.load(tmp_path / "a.avq").model == "other@1"
    assert Codes.load(tmp_path / "old.avq") == make_codes()  # replaced as a whole, not written over
    assert sorted(names(tmp_path)) == ["a.avq", "old.avq"]


def test_load_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.avq"
    with pytest.raises(CodesError, match=r"a\.avq: cannot be read: No such file"):
        Codes.load(path)
    with pytest.raises(CodesError, match="cannot be read: Is a directory"):
        Codes.load(tmp_path)
    for content in (b"", b"RIFF....WAVE", avq.MAGIC[:5]):
        path.write_bytes(content)
        with pytest.raises(CodesError, match=r"a\.avq: not an \.avq file"):
            Codes.load(path)
    path.write_bytes(make_codes().to_bytes()[:-1])
    with pytest.raises(CodesError, match=r"a\.avq: damaged"):
        Codes.load(path)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file_alone(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_codes().save(tmp_path / "a.avq")

    monkeypatch.setattr(os, "fsync", Mock(side_effect=error))
    expected = CodesError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        make_codes(model="other@1").save(tmp_path / "a.avq")
    if expected is CodesError:
        assert str(caught.value) == f"{tmp_path / 'a.avq'}: cannot be written: No space left on device"
    assert names(tmp_path) == ["a.avq"]
    assert Codes.load(tmp_path / "a.avq") == make_codes()


def test_save_where_no_folder_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing" / "a.avq", tmp_path / "file" / "a.avq"):
        with pytest.raises(CodesError, match="cannot be written"):
            make_codes().save(path)


def test_a_stretch_is_whole_coarsest_frames_and_ends_with_the_recording() -> None:
    codes = make_codes()
    first, last = codes.stretch(0, 1), codes.stretch(1, 5)
    assert [level.tolist() for level in first.levels] == [[[2]], [[0, 1], [7, 6]]] and first.num_samples == 8
    assert [level.tolist() for level in last.levels] == [[[1]], [[512, 1023], [5, 4]]] and last.num_samples == 5
    assert codes.stretch(0, 2) == codes
    for start, num_frames in ((2, 1), (-1, 1), (0, 0)):
        with pytest.raises(CodesError, match="there are 2, counted from 0"):
            codes.stretch(start, num_frames)
