"""The recordings themselves: what scores that listen to the result alone give them."""

from __future__ import annotations

from torch import Tensor

from recipes.benchmark.codec import Encoded


class PcmCodec:
    """16-bit samples, unchanged: the top of every column."""

    name = "the recordings (16-bit PCM)"
    sample_rate = 16_000
    trained = True
    identity = ""
    num_parameters: int | None = None

    def __init__(self, setting: str) -> None: ...

    def encode(self, wave: Tensor) -> Encoded:
        return Encoded(wave, 16 * wave.numel(), None)

    def decode(self, encoded: Encoded) -> Tensor:
        wave: Tensor = encoded.content
        return wave
