"""The configuration of a hierarchical VQ-VAE: every variant of this package is a value of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from audiovq.audio.mel import LogMelConfig
from audiovq.quantize import QuantizerConfig

FRONTENDS = ("mel", "wave")
HIERARCHIES = ("conditional", "parallel", "residual", "independent")
HEADS = ("mel", "istft", "transposed")
STEREO = ("separate", "mid_side", "joint")


@dataclass(kw_only=True)
class LevelConfig:
    """One level: how many blocks each network has at its rate, and its quantizer."""

    encoder_blocks: int = 3
    condition_blocks: int = 2  # on the way from this level to the next finer one; unused at the finest level
    decoder_blocks: int = 3
    quantizer: QuantizerConfig = field(default_factory=QuantizerConfig)


@dataclass(kw_only=True)
class VQVAEConfig:
    """Levels, strides and block counts run from coarse to fine; strides of the stem from the input to the finest level.

    hierarchy: "conditional" (VQ-VAE-2: each level sees the decoded coarser codes), "parallel" (the same without the
    top-down path: levels are coded apart and decoded together), "residual" (SNAC: each level codes what the coarser
    ones left of one latent), "independent" (Jukebox: levels are coded apart and decoded apart).
    head: "mel" (log-mel frames out), "istft" or "transposed" (a waveform out).
    stereo: "separate" (each channel has codes of its own), "mid_side" (so have half the sum and half the difference of
    two channels), "joint" (one set of codes for two channels, which always come out as two: see audiovq.models.stereo).
    """

    frontend: str = "mel"
    hierarchy: str = "conditional"
    head: str = "mel"
    stereo: str = "separate"
    mel: LogMelConfig = field(default_factory=LogMelConfig)
    mel_mean: float = -6.0  # the network sees (log-mel - mean) / scale
    mel_scale: float = 3.0
    width: int = 288
    kernel_size: int = 7
    expansion: int = 3
    stem_strides: list[int] = field(default_factory=lambda: [2])
    stem_blocks: int = 0  # after each stem stride but the last, whose rate is the finest level's
    level_strides: list[int] = field(default_factory=lambda: [2, 2])
    levels: list[LevelConfig] = field(default_factory=lambda: [LevelConfig() for _ in range(3)])
    head_strides: list[int] = field(default_factory=lambda: [2])
    head_blocks: int = 2

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("frontend", self.frontend, FRONTENDS),
            ("hierarchy", self.hierarchy, HIERARCHIES),
            ("head", self.head, HEADS),
            ("stereo", self.stereo, STEREO),
        ):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}, expected one of {', '.join(allowed)}")
        if self.stereo == "joint" and (self.frontend, self.head) != ("mel", "mel"):
            raise ValueError(f"stereo='joint' needs a mel frontend and head, got {self.frontend!r} and {self.head!r}")
        if not self.mel.is_streamable:
            raise ValueError(
                f"mel.padding is {self.mel.padding!r}, expected 'silence': a tokenizer reads files in pieces, and that "
                "padding needs to know where a file ends"
            )
        if len(self.level_strides) != len(self.levels) - 1:
            raise ValueError(
                f"{len(self.levels)} levels need {len(self.levels) - 1} level_strides, got {list(self.level_strides)}"
            )
        if min([*self.stem_strides, *self.level_strides, *self.head_strides], default=1) < 1:
            raise ValueError("strides must be at least 1")
        upsampling = math.prod(self.head_strides)
        if self.hop_lengths[-1] % upsampling:
            raise ValueError(
                f"head_strides {list(self.head_strides)} do not divide the finest hop {self.hop_lengths[-1]}"
            )
        if self.head == "mel" and self.head_hop_length != self.mel.hop_length:
            raise ValueError(
                f"head_strides {list(self.head_strides)} give a mel frame every {self.head_hop_length} samples, "
                f"expected the mel hop {self.mel.hop_length}"
            )
        if self.head == "transposed" and self.head_hop_length != 1:
            raise ValueError(f"head_strides must multiply to the finest hop {self.hop_lengths[-1]}, got {upsampling}")

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @property
    def num_channels(self) -> int:
        """Channels that one set of codes stands for."""
        return 2 if self.stereo == "joint" else 1

    @property
    def num_bands(self) -> int:
        """Rows that a mel front or head has; joint: the bands of left, of right, and how far they agree."""
        return (3 if self.stereo == "joint" else 1) * self.mel.num_mels

    @property
    def num_levels(self) -> int:
        return len(self.levels)

    @property
    def input_hop_length(self) -> int:
        """Samples per frame that the encoder reads."""
        return self.mel.hop_length if self.frontend == "mel" else 1

    @property
    def hop_lengths(self) -> tuple[int, ...]:
        """Samples per frame of each level, coarse first."""
        hops = [self.input_hop_length * math.prod(self.stem_strides)]
        for stride in reversed(self.level_strides):
            hops.insert(0, hops[0] * stride)
        return tuple(hops)

    @property
    def head_hop_length(self) -> int:
        """Samples per frame that the head reads."""
        return self.hop_lengths[-1] // math.prod(self.head_strides)

    @property
    def num_codebooks(self) -> tuple[int, ...]:
        return tuple(level.quantizer.num_codebooks for level in self.levels)

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        return tuple(level.quantizer.codebook_size for level in self.levels)
