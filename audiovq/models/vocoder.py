"""The vocoder: log-mels to sound by one network at the rate of the mel frames."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from audiovq.audio.mel import LogMelConfig
from audiovq.nn.blocks import Stack
from audiovq.nn.conv import SameConv
from audiovq.nn.istft import ISTFTHead


@dataclass(kw_only=True)
class VocoderConfig:
    """What it reads, and its size."""

    mel: LogMelConfig = field(default_factory=LogMelConfig)
    mel_mean: float = -6.0  # the network sees (log-mel - mean) / scale
    mel_scale: float = 3.0
    width: int = 384
    kernel_size: int = 7
    expansion: int = 3
    num_blocks: int = 8


class Vocoder(nn.Module):
    """Blocks at the mel rate, then an inverse Fourier transform; frame n becomes the samples of its own hop.

    Shape: mel (B, M, N) in nats, mask (B, 1, N) -> (B, 1, N * hop_length).
    Source: Siuzdak 2023, Vocos, section 3.
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.input = SameConv(config.mel.num_mels, config.width, config.kernel_size)
        self.input_norm = nn.LayerNorm(config.width)
        self.stack = Stack(config.num_blocks, config.width, config.kernel_size, config.expansion)
        self.output_norm = nn.LayerNorm(config.width)
        self.head = ISTFTHead(config.width, config.mel.hop_length)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.input((mel - self.config.mel_mean) / self.config.mel_scale, mask)
        x = self.stack(self.input_norm(x.transpose(1, 2)).transpose(1, 2), mask)
        return self.head(self.output_norm(x.transpose(1, 2)).transpose(1, 2), mask)

    @property
    def context(self) -> int:
        """Mel frames beyond a window's edge on which samples inside it depend."""
        return self.input.context(self.stack.context(self.head.context(0)))
