"""Adapters of programs against stand-ins: what they are called with, how bits are counted, and how failures read."""

import ctypes.util
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recipes.benchmark import frame_codecs, ogg_codecs
from recipes.benchmark.codec import CodecError, Encoded, NotAvailableError
from recipes.benchmark.frame_codecs import AmrWbCodec, Codec2Codec, Lc3Codec
from recipes.benchmark.ogg_codecs import NolaceCodec, OpusCodec, OpusMusicCodec, SpeexCodec
from recipes.benchmark.programs import ProgramCodec
from tests.recipes.benchmark.fake_programs import calls, lay_down

WAVE = torch.linspace(-0.5, 0.5, 1_000)[None]
# Coded files that hold the WAV itself behind what the format puts before it, so that sound comes back as it went in.
OGG = "b'OggS' + bytes(22) + bytes([1, 9]) + bytes(9) + b'OggS' + bytes(22) + bytes([1, 9]) + bytes(9)"
OGG_ENCODER = f"""
wav = Path(words[-2]).read_bytes()
segments = [255] * (len(wav) // 255) + [len(wav) % 255]
Path(words[-1]).write_bytes({OGG} + b'OggS' + bytes(22) + bytes([len(segments), *segments]) + wav)
"""
OGG_DECODER = """
content = Path(words[-2]).read_bytes()
Path(words[-1]).write_bytes(content[content.index(b'RIFF'):])
"""
LC3_ENCODER = """
wav = Path(words[-2]).read_bytes()
frames = b''.join(len(part).to_bytes(2, 'little') + part for part in (wav[:100], wav[100:]))
Path(words[-1]).write_bytes((0xcc1c).to_bytes(2, 'little') + (18).to_bytes(2, 'little') + bytes(14) + frames)
"""
LC3_DECODER = """
content = Path(words[-2]).read_bytes()[18:]
Path(words[-1]).write_bytes(content[2:102] + content[104:])
"""
COPY = "Path(words[-1]).write_bytes(Path(words[-2]).read_bytes())"
WAV_BYTES = 44 + 2_000


def round_trip(codec: ProgramCodec) -> Encoded:
    encoded = codec.encode(WAVE)
    torch.testing.assert_close(codec.decode(encoded)[:, :1_000], WAVE, atol=1 / 32768, rtol=0)
    return encoded


def test_opus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"opusenc": OGG_ENCODER, "opusdec": OGG_DECODER})
    encoded = round_trip(OpusCodec("9wb"))
    assert encoded.payload_bits == 8 * WAV_BYTES
    assert encoded.file_bits == 8 * (WAV_BYTES + 3 * 27 + 2 * (1 + 9) + WAV_BYTES // 255 + 1)
    encoder, decoder = calls(tmp_path)
    assert encoder[-7:] == ["--bitrate", "9", "--hard-cbr", "--set-ctl-int", "4008=1103", "in.wav", "coded.opus"]
    assert decoder == ["opusdec", "--quiet", "--rate", "16000", "coded.opus", "out.wav"]
    assert OpusCodec("9wb").name == "Opus 9 (wideband)"


def test_opus_for_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"opusenc": OGG_ENCODER, "opusdec": OGG_DECODER})
    codec = OpusMusicCodec("24")
    assert (codec.name, codec.sample_rate) == ("Opus 24 (music)", 48_000)
    wave = torch.zeros(1, 480)
    codec.encode(wave)
    assert calls(tmp_path)[0][:2] == ["opusenc", "--quiet"] and "--music" in calls(tmp_path)[0]


def test_nolace_decodes_the_bits_of_opus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = OGG_DECODER.replace("words[-2]", "words[1]").replace("words[-1]", "words[2]")
    lay_down(tmp_path, monkeypatch, {"opusenc": OGG_ENCODER, "node": node})
    monkeypatch.setattr(ogg_codecs, "NOLACE", ogg_codecs.NOLACE.parent / "benchmark-without-modules")
    with pytest.raises(NotAvailableError, match="npm ci --prefix recipes/benchmark"):
        NolaceCodec("12")
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    round_trip(NolaceCodec("12"))
    assert calls(tmp_path)[1] == ["node", "decode.mjs", "coded.opus", "out.wav", "16000"]


def test_speex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"speexenc": OGG_ENCODER, "speexdec": OGG_DECODER})
    assert round_trip(SpeexCodec("3")).payload_bits == 8 * WAV_BYTES
    assert calls(tmp_path)[0] == ["speexenc", "--wideband", "--quality", "3", "in.wav", "coded.spx"]


def test_lc3_counts_frames_without_their_sizes_and_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"elc3": LC3_ENCODER, "dlc3": LC3_DECODER})
    encoded = round_trip(Lc3Codec("16"))
    assert (encoded.payload_bits, encoded.file_bits) == (8 * WAV_BYTES, 8 * (18 + 4 + WAV_BYTES))
    assert calls(tmp_path)[0] == ["elc3", "-b", "16000", "in.wav", "coded"]


def test_codec2_gets_whole_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"c2enc": COPY, "c2dec": COPY})
    encoded = round_trip(Codec2Codec("1200"))
    assert encoded.payload_bits == encoded.file_bits == 16 * 1_280  # 1000 samples fill 3 frames and a bit
    assert calls(tmp_path)[1] == ["c2dec", "1200", "coded.bit", "out.raw"]


class FakeLibrary:
    """An AMR-WB encoder that writes the mode, and 17 bytes that count its calls."""

    def __init__(self, name: str) -> None:
        self.frames: list[np.ndarray] = []
        self.closed = 0
        self.E_IF_init = lambda: 7

    def E_IF_encode(self, state: Any, mode: int, samples: Any, target: Any, dtx: int) -> int:  # noqa: N802
        self.frames.append(np.ctypeslib.as_array(ctypes.cast(samples, ctypes.POINTER(ctypes.c_int16)), (320,)).copy())
        target.raw = bytes([mode << 3]) + bytes([len(self.frames)] * 17) + bytes(46)
        return 18

    def E_IF_exit(self, state: Any) -> None:  # noqa: N802
        self.closed += 1


def test_amr_wb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wav = f"Path(words[-1]).write_bytes(Path({str(tmp_path / 'decoded.wav')!r}).read_bytes())"
    lay_down(tmp_path, monkeypatch, {"ffmpeg": wav})
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(NotAvailableError, match="vo-amrwbenc is not installed: apt-get install libvo-amrwbenc0 ffmpeg"):
        AmrWbCodec("6.6")
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: "libvo-amrwbenc.so.0")
    monkeypatch.setattr(frame_codecs.ctypes, "CDLL", FakeLibrary)
    codec = AmrWbCodec("6.6")
    frame_codecs.io.write(tmp_path / "decoded.wav", WAVE, 16_000)
    encoded = round_trip(codec)
    library = codec._library
    assert isinstance(library, FakeLibrary)
    assert encoded.content == b"#!AMR-WB\n" + b"".join(bytes([0, *[frame] * 17]) for frame in range(1, 5))
    assert (encoded.payload_bits, encoded.file_bits) == (4 * 132, 8 * (9 + 4 * 18))
    assert np.array_equal(np.concatenate(library.frames)[:1_000], (WAVE[0] * 32768).round().numpy())
    assert library.closed == 1
    with pytest.raises(CodecError, match="expected frames of 18 bytes each, got 1 bytes more"):
        codec.payload_bits(encoded.content + b"x")
    with pytest.raises(ValueError, match=r"has the rates 6\.6, 8\.85, .* got 7"):
        AmrWbCodec("7")


def test_a_program_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, {"elc3": "sys.exit('bit rate 1 is too low')", "dlc3": ""})
    with pytest.raises(CodecError, match="elc3 ended with code 1: bit rate 1 is too low"):
        Lc3Codec("1").encode(WAVE)


def test_sound_of_another_rate_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faster = "content = bytearray(Path(words[-2]).read_bytes()[18:])\ncontent = content[2:102] + content[104:]\n"
    faster += f"content[24:28] = {struct.pack('<I', 48_000)!r}\nPath(words[-1]).write_bytes(content)"
    lay_down(tmp_path, monkeypatch, {"elc3": LC3_ENCODER, "dlc3": faster})
    codec = Lc3Codec("16")
    with pytest.raises(CodecError, match="expected one channel at 16000 Hz back, got 1 at 48000 Hz"):
        codec.decode(codec.encode(WAVE))


@pytest.mark.parametrize(
    "make, program, package",
    [
        (OpusCodec, "opusenc", "opus-tools"),
        (SpeexCodec, "speexenc", "speex"),
        (Lc3Codec, "elc3", "liblc3-tools"),
        (Codec2Codec, "c2enc", "codec2"),
        (AmrWbCodec, "ffmpeg", "libvo-amrwbenc0 ffmpeg"),
    ],
)
def test_a_missing_program_is_named_with_its_package(
    make: type[ProgramCodec], program: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which(program) is None
    with pytest.raises(NotAvailableError) as caught:
        make("6")
    assert str(caught.value) == f"the program {program} is not on the PATH: apt-get install {package}"
