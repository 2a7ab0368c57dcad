"""The recordings themselves: what scores that listen to the result alone give them."""

from __future__ import annotations

from torch import Tensor

from recipes.benchmark.codec import Encoded


class PcmCodec:
    """16-bit samples, unchanged: the top of every column. The setting is their rate in Hz, 16000 when it is empty."""

    name = "the recordings (16-bit PCM)"
    trained = True
    identity = ""
    num_parameters: int | None = None

    def __init__(self, sample_rate: str) -> None:
        self.sample_rate = int(sample_rate or 16_000)

    def encode(self, wave: Tensor) -> Encoded:
        return Encoded(wave, 16 * wave.numel(), None)

    def decode(self, encoded: Encoded) -> Tensor:
        wave: Tensor = encoded.content
        return wave
