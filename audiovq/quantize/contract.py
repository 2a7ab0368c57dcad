"""What every quantizer is and returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass(kw_only=True)
class QuantizerConfig:
    """The quantizer of one level.

    kind: "ema" (a learned codebook) or "fsq" (a fixed grid). num_codebooks > 1 stacks them on each other's residual.
    """

    kind: str = "ema"
    codebook_size: int = 1024
    num_codebooks: int = 1
    # ema
    codebook_dim: int = 8
    decay: float = 0.99
    restart_share: float = 0.1  # an entry used less than this share of uniform use is dead
    # fsq: steps per dimension, their product is the codebook size
    fsq_steps: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kind not in ("ema", "fsq"):
            raise ValueError(f"quantizer kind is {self.kind!r}, expected 'ema' or 'fsq'")
        if self.codebook_size < 2 or self.num_codebooks < 1:
            raise ValueError(
                f"a quantizer needs codebook_size >= 2 and num_codebooks >= 1, "
                f"got {self.codebook_size} and {self.num_codebooks}"
            )


@dataclass
class Quantized:
    """Shapes: latent (B, D, N), passes gradients straight through; codes (B, K, N) int64; commitment_loss scalar."""

    latent: Tensor
    codes: Tensor
    commitment_loss: Tensor


class Quantizer(nn.Module, ABC):
    """Latents to codes and back. Attributes: num_codebooks K, codebook_size V.

    A quantizer that has to be started from real latents (``started`` False) lets latents through unquantised while
    training, so the first steps of a run train the rest of the network; ``start`` ends that.

    In training mode ``forward`` changes nothing that it reads: it gathers statistics, which are not part of the state
    dict. ``update`` applies those of all processes, so that one update after several forwards, on any number of
    processes, is the update after one forward of all their items. ``discard`` forgets them.
    """

    num_codebooks: int
    codebook_size: int

    @property
    @abstractmethod
    def started(self) -> bool:
        """False while training passes latents through unquantised."""

    @abstractmethod
    def start(self, latents: Tensor, silent: bool = False) -> None:
        """Fit the codebook to real latents, the same on every process; ``silent``: all codes stand for 0 at first.

        Shape: (T, D)
        """

    @abstractmethod
    def forward(self, latent: Tensor, mask: Tensor | None = None) -> Quantized:
        """Quantise; in training mode also gather statistics of the unmasked frames.

        Shape: latent (B, D, N), mask (B, 1, N).
        """

    @abstractmethod
    def update(self) -> None:
        """Apply what all processes gathered since the last update, and forget it. Every process calls it."""

    @abstractmethod
    def discard(self) -> None:
        """Forget what was gathered since the last update."""

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """Codes to quantised latents. Shape: (B, K, N) -> (B, D, N)."""
