"""Every codec by a word of the command line: KIND, KIND:SETTING or KIND:SETTING@WEIGHTS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recipes.benchmark.codec import Codec, NotAvailableError
from recipes.benchmark.frame_codecs import AmrWbCodec, Codec2Codec, Lc3Codec
from recipes.benchmark.neural import DacCodec, EncodecCodec, MimiCodec, SnacCodec
from recipes.benchmark.ogg_codecs import NolaceCodec, OpusCodec, OpusMusicCodec, SpeexCodec
from recipes.benchmark.ours import AudiovqCodec
from recipes.benchmark.pcm import PcmCodec
from recipes.benchmark.vocos import VocosCodec
from recipes.benchmark.weights import find_weights


@dataclass(frozen=True)
class Kind:
    """A codec and those of its settings that a comparison takes when none are named."""

    make: Callable[[str], Codec] | Callable[[str, str | None], Codec]
    settings: tuple[str, ...]
    setting_is: str  # what the word after the colon is
    hub_name: str | None = None  # of the weights that it takes
    is_for_speech: bool = True  # others are taken only when they are named


KINDS = {
    "audiovq": Kind(AudiovqCodec, ("speech-16k", "speech-16k-hq"), "a bundled name or a folder"),
    "opus": Kind(OpusCodec, ("6", "8", "9wb", "12"), "kbit/s; 9wb: wideband at a constant rate"),
    "opus-nolace": Kind(NolaceCodec, ("9wb", "12"), "as for opus"),
    "opus-music": Kind(OpusMusicCodec, ("12", "24"), "as for opus", is_for_speech=False),
    "lc3": Kind(Lc3Codec, ("16",), "kbit/s"),
    "amr-wb": Kind(AmrWbCodec, ("6.6", "12.65"), f"kbit/s: {', '.join(AmrWbCodec.RATES)}"),
    "speex": Kind(SpeexCodec, ("1", "3", "5"), "quality, 0 to 10"),
    "codec2": Kind(Codec2Codec, ("1200", "3200"), "bit/s: 3200, 2400, 1600, 1400, 1300, 1200, 700C, 450"),
    "pcm": Kind(PcmCodec, ("",), "Hz; 16000 if none is named"),
    "encodec": Kind(EncodecCodec, ("6",), "kbit/s: 1.5, 3, 6, 12, 24", EncodecCodec.hub_name),
    "dac": Kind(DacCodec, ("12",), "codebooks, 1 to 12", DacCodec.hub_name),
    "mimi": Kind(MimiCodec, ("8",), "codebooks, 1 to 32", MimiCodec.hub_name),
    "snac": Kind(SnacCodec, ("",), "none", SnacCodec.hub_name),
    "vocos": Kind(VocosCodec, ("",), "none", VocosCodec.hub_name),
}


def parse(word: str) -> tuple[Kind, list[str]]:
    """A kind and what it is made with; without a setting, with the first of its own.

    Raises: ValueError for a word that names no codec.
    """
    front, at, weights = word.partition("@")
    name, _, setting = front.partition(":")
    if name not in KINDS:
        raise ValueError(f"no codec is called {name!r}; there are {', '.join(KINDS)}")
    kind = KINDS[name]
    if at and kind.hub_name is None:
        raise ValueError(f"{word}: {name} takes no weights")
    return kind, [setting or kind.settings[0], *([weights] if at else [])]


def make(word: str) -> Codec:
    """The codec that a word names.

    Raises: NotAvailableError when something that it needs is not here; ValueError for a word that names none.
    """
    kind, arguments = parse(word)
    return kind.make(*arguments)


def lacks_weights(word: str) -> bool:
    """Whether a codec would get random weights; quicker than to make it.

    Raises: as ``make`` does.
    """
    kind, (_, *weights) = parse(word)
    return kind.hub_name is not None and find_weights(kind.hub_name, *weights) is None


def default_words() -> list[str]:
    """Every kind for speech at all its settings."""
    kinds = {name: kind for name, kind in KINDS.items() if kind.is_for_speech}
    return [f"{name}:{setting}".removesuffix(":") for name, kind in kinds.items() for setting in kind.settings]


def make_all(words: Sequence[str]) -> tuple[dict[str, Codec], dict[str, NotAvailableError]]:
    """The codecs that can be had here, and why the others cannot, by the word of each."""
    codecs: dict[str, Codec] = {}
    missing: dict[str, NotAvailableError] = {}
    for word in words:
        try:
            codecs[word] = make(word)
        except NotAvailableError as error:
            missing[word] = error
    return codecs, missing


def describe() -> str:
    """A line for each kind: whether it can be had here, and what its settings are."""
    lines = []
    for name, kind in KINDS.items():
        try:
            codec = make(name)
            state = "ready" if codec.trained else "ready, with random weights: speed only"
        except NotAvailableError as error:
            state = f"not here: {error}"
        lines.append(f"{name:12} {state}")
        if kind.settings != ("",):
            lines.append(f"{'':12} setting: {kind.setting_is}; by default {', '.join(kind.settings)}")
    return "\n".join(lines)
