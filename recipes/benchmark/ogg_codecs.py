"""Opus, with its plain and its neural decoder, and Speex: programs that write Ogg files."""

from __future__ import annotations

from pathlib import Path

from recipes.benchmark import ogg
from recipes.benchmark.codec import NotAvailableError
from recipes.benchmark.programs import ProgramCodec, need_programs, run

NOLACE = Path(__file__).parent / "nolace"
# OPUS_SET_BANDWIDTH to OPUS_BANDWIDTH_WIDEBAND: below 9 kbit/s or so the encoder would choose 4 kHz by itself.
_WIDEBAND = ("--hard-cbr", "--set-ctl-int", "4008=1103")


class OpusCodec(ProgramCodec):
    """libopus at a target rate in kbit/s, tuned for speech; "9wb" holds it to a constant rate and to 8 kHz of band."""

    programs: tuple[str, ...] = ("opusenc", "opusdec")
    package = "opus-tools"
    coded_name = "coded.opus"

    def __init__(self, kilobits: str) -> None:
        super().__init__(f"Opus {kilobits.removesuffix('wb')}{' (wideband)' if kilobits.endswith('wb') else ''}")
        self._settings = ["--bitrate", kilobits.removesuffix("wb"), *(_WIDEBAND if kilobits.endswith("wb") else ())]

    def encode_file(self, wav: Path, coded: Path) -> None:
        run("opusenc", "--quiet", "--speech", "--padding", "0", *self._settings, wav, coded)

    def decode_file(self, coded: Path, wav: Path) -> None:
        run("opusdec", "--quiet", "--rate", str(self.sample_rate), coded, wav)

    def payload_bits(self, content: bytes) -> int:
        return ogg.payload_bits(content)


class OpusMusicCodec(OpusCodec):
    """libopus tuned for music, at its own rate: up to 20 kHz of band, if its bits allow."""

    sample_rate = 48_000

    def __init__(self, kilobits: str) -> None:
        super().__init__(kilobits)
        self.name += " (music)"

    def encode_file(self, wav: Path, coded: Path) -> None:
        run("opusenc", "--quiet", "--music", "--padding", "0", *self._settings, wav, coded)


class NolaceCodec(OpusCodec):
    """The same bits through the neural enhancement of libopus 1.5, compiled to WebAssembly; only acts on wideband.

    Source: Büthe et al. 2023, NoLACE: Improving Low-Complexity Speech Codec Enhancement Through Adaptive Temporal
    Shaping.
    """

    programs = ("opusenc", "node")

    def __init__(self, kilobits: str) -> None:
        super().__init__(kilobits)
        hint = f"npm ci --prefix {NOLACE.relative_to(Path(__file__).parents[2])}"
        need_programs(["node"], f"install Node.js, then {hint}")
        if not (NOLACE / "node_modules").is_dir():
            raise NotAvailableError("its decoder is not there", hint)
        self.name = self.name.replace("Opus", "Opus + NoLACE")

    def decode_file(self, coded: Path, wav: Path) -> None:
        run("node", NOLACE / "decode.mjs", coded, wav, str(self.sample_rate))


class SpeexCodec(ProgramCodec):
    """Wideband Speex at a quality from 0 to 10, constant bit rate."""

    programs = ("speexenc", "speexdec")
    package = "speex"
    coded_name = "coded.spx"

    def __init__(self, quality: str) -> None:
        super().__init__(f"Speex, quality {quality}")
        self._quality = quality

    def encode_file(self, wav: Path, coded: Path) -> None:
        run("speexenc", "--wideband", "--quality", self._quality, wav, coded)

    def decode_file(self, coded: Path, wav: Path) -> None:
        run("speexdec", coded, wav)

    def payload_bits(self, content: bytes) -> int:
        return ogg.payload_bits(content)
