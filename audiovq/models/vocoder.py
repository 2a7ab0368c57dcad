"""The vocoder: log-mels to sound, or to what Griffin-Lim makes sound of, by one network at the rate of the frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from audiovq.audio.mel import LogMelConfig
from audiovq.audio.unfold import Unfold
from audiovq.nn.blocks import Stack
from audiovq.nn.conv import SameConv
from audiovq.nn.istft import ISTFTHead
from audiovq.nn.linear import Linear

HEADS = ("istft", "magnitude")


@dataclass(kw_only=True)
class VocoderConfig:
    """What it reads and gives, and its size.

    head: "istft" (magnitudes and phases, hence sound) or "magnitude" (the magnitudes that the mel filters blurred, for
    Griffin-Lim to find phases in ``num_iterations``).
    """

    mel: LogMelConfig = field(default_factory=LogMelConfig)
    mel_mean: float = -6.0  # the network sees (log-mel - mean) / scale
    mel_scale: float = 3.0
    head: str = "istft"
    num_iterations: int = 10
    width: int = 384
    kernel_size: int = 7
    expansion: int = 3
    num_blocks: int = 8

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise ValueError(f"head is {self.head!r}, expected one of {', '.join(HEADS)}")
        if self.num_iterations < 0:
            raise ValueError(f"num_iterations is {self.num_iterations}, expected at least 0")


class Vocoder(nn.Module):
    """Blocks at the mel rate, then an inverse Fourier transform, whose frame n gives the samples of its own hop; or
    unfolded mels, corrected bin by bin.

    Shape: mel (B, M, N) in nats, mask (B, 1, N) -> (B, 1, N * hop_length), or linear magnitudes (B, F, N).
    Source: Siuzdak 2023, Vocos, section 3.
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.input = SameConv(config.mel.num_mels, config.width, config.kernel_size)
        self.input_norm = nn.LayerNorm(config.width)
        self.stack = Stack(config.num_blocks, config.width, config.kernel_size, config.expansion)
        self.output_norm = nn.LayerNorm(config.width)
        self.head: ISTFTHead | MagnitudeHead
        if config.head == "istft":
            self.head = ISTFTHead(config.width, config.mel.hop_length)
        else:
            self.head = MagnitudeHead(config)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.input((mel - self.config.mel_mean) / self.config.mel_scale, mask)
        x = self.stack(self.input_norm(x.transpose(1, 2)).transpose(1, 2), mask)
        x = self.output_norm(x.transpose(1, 2)).transpose(1, 2)
        return self.head(x, mel) if isinstance(self.head, MagnitudeHead) else self.head(x, mask)

    @property
    def context(self) -> int:
        """Mel frames beyond a window's edge on which what lies inside it depends."""
        return self.input.context(self.stack.context(self.head.context(0)))


class MagnitudeHead(nn.Module):
    """A gain for every bin of the unfolded mel. It begins with none: as good as unfolding alone.

    Shape: x (B, D, N), mel (B, M, N) -> magnitudes (B, F, N).
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.unfold = Unfold(config.mel)
        self.log_gain = Linear(config.width, config.mel.n_fft // 2 + 1)
        nn.init.zeros_(self.log_gain.weight)
        nn.init.zeros_(self.log_gain.bias)

    def forward(self, x: Tensor, mel: Tensor) -> Tensor:
        with torch.autocast(mel.device.type, enabled=False):
            unfolded = self.unfold(mel.float().exp().transpose(1, 2))
        magnitude: Tensor = unfolded * self.log_gain(x.transpose(1, 2)).float().clamp(max=5.0).exp()
        return magnitude.transpose(1, 2)

    def context(self, frames: int) -> int:
        return frames
