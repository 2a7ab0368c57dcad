"""What a codec is to the benchmark, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


class CodecError(RuntimeError):
    """A codec that failed on what it was given; one line that says how."""


class NotAvailableError(RuntimeError):
    """A codec that cannot be had here: why, and the command that changes it."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason}: {hint}")
        self.reason, self.hint = reason, hint


@dataclass(frozen=True)
class Encoded:
    """One wave as its codec writes it.

    Args:
        content: what the codec's own ``decode`` reads.
        payload_bits: packets or codes alone.
        file_bits: with all that its file format adds; None where the codec has no file format.
    """

    content: Any
    payload_bits: int
    file_bits: int | None


class Codec(Protocol):
    """One setting of one codec.

    Args:
        name: with its setting, as tables show it.
        trained: False when the weights are random: then its speed means something, its sound nothing.
        identity: what else tells its results from others', such as a hash of weights.
        num_parameters: None where there is no network.
    """

    name: str
    sample_rate: int
    trained: bool
    identity: str
    num_parameters: int | None

    def encode(self, wave: Tensor) -> Encoded:
        """Shape: (1, T) at ``sample_rate``."""

    def decode(self, encoded: Encoded) -> Tensor:
        """The wave, with whatever delay and length the codec gives it. Shape: (1, about T) at ``sample_rate``."""
