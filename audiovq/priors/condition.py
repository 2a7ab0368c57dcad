"""What is to be said, by whom, as features of the frames of every level: the condition of all speech priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiovq.nn.blocks import Stack
from audiovq.nn.conv import Downsample
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList
from audiovq.priors.levels import CodeLevels

UNKNOWN = -1  # a speaker whom the prior does not know by name, but by voice features


@dataclass(kw_only=True)
class ConditionConfig:
    """Sizes of the inventories, and of the networks that read text. voice_size: features that describe any voice."""

    num_symbols: int = 2
    num_speakers: int = 1
    num_languages: int = 1
    voice_size: int = 160
    text_blocks: int = 4
    frame_blocks: int = 2
    kernel_size: int = 5
    expansion: int = 3


@dataclass
class TextInputs:
    """Texts whose symbols are stretched over the frames of the finest level.

    Shapes: symbols and durations (B, S) int64, padded with symbols that last 0 frames; num_symbols, speakers, languages
    (B,) int64; voices (B, F) float32; dropped (B,) bool, items whose condition is hidden, or None.
    A speaker of UNKNOWN is described by its voice, another by its number alone.
    """

    symbols: Tensor
    num_symbols: Tensor
    durations: Tensor
    speakers: Tensor
    languages: Tensor
    voices: Tensor
    dropped: Tensor | None = None

    def item(self, number: int) -> TextInputs:
        """One of the items, without its padding."""
        one, length = slice(number, number + 1), int(self.num_symbols[number])
        return TextInputs(
            symbols=self.symbols[one, :length],
            num_symbols=self.num_symbols[one],
            durations=self.durations[one, :length],
            speakers=self.speakers[one],
            languages=self.languages[one],
            voices=self.voices[one],
        )

    def with_hidden_copy(self) -> TextInputs:
        """Of one item: the item, and once more with its condition hidden, as guidance needs."""
        return TextInputs(
            symbols=self.symbols.repeat(2, 1),
            num_symbols=self.num_symbols.repeat(2),
            durations=self.durations.repeat(2, 1),
            speakers=self.speakers.repeat(2),
            languages=self.languages.repeat(2),
            voices=self.voices.repeat(2, 1),
            dropped=torch.tensor([False, True]),
        )


class TextCondition(nn.Module):
    """Symbols, read in their context and stretched by their durations, brought to the rates of levels.

    Source: Ren et al. 2021, FastSpeech 2, section 2 (length regulator).
    """

    def __init__(self, config: ConditionConfig, width: int, levels: CodeLevels, wanted: Sequence[int]) -> None:
        super().__init__()
        self.ratios = [levels.factors[-1] // levels.factors[level] for level in wanted]
        self.factors = [levels.factors[level] for level in wanted]
        self.finest_factor = levels.factors[-1]
        self.symbols = nn.Embedding(config.num_symbols, width)
        self.languages = nn.Embedding(config.num_languages, width)
        self.speakers = nn.Embedding(config.num_speakers, width)
        self.voice = nn.Sequential(nn.Linear(config.voice_size, width), nn.GELU(), nn.Linear(width, width))
        self.text = Stack(config.text_blocks, width, config.kernel_size, config.expansion)
        self.place = nn.Linear(3, width)
        self.down = ModuleList[Downsample](Downsample(width, width, ratio) for ratio in self.ratios)
        self.frames = ModuleList[Stack](
            Stack(config.frame_blocks, width, config.kernel_size, config.expansion) for _ in wanted
        )
        self.hidden = nn.Parameter(torch.zeros(width))

    def forward(self, inputs: TextInputs, mask: FrameMask) -> list[Tensor]:
        """Features of each wanted level. Shape: mask of N_0 coarsest frames -> [(B, D, N_l), ...]."""
        text_mask = FrameMask.from_lengths(inputs.num_symbols, inputs.symbols.shape[1]).at(1)
        text = self.symbols(inputs.symbols) + self.languages(inputs.languages)[:, None]
        text = self.text(text.transpose(1, 2), text_mask)
        fine_mask = mask.at(self.finest_factor)
        which, place = stretch(inputs.durations, fine_mask.shape[2])
        said = text.gather(2, which[:, None].expand(-1, text.shape[1], -1)) + self.place(place).transpose(1, 2)
        said = said + self._speaker(inputs)[:, :, None]
        if inputs.dropped is not None:
            said = torch.where(inputs.dropped[:, None, None], self.hidden[:, None], said)
        features = []
        for down, stack, factor in zip(self.down, self.frames, self.factors, strict=True):
            level_mask = mask.at(factor)
            features.append(stack(down(said, fine_mask), level_mask) * level_mask)
        return features

    def _speaker(self, inputs: TextInputs) -> Tensor:
        named = self.speakers(inputs.speakers.clamp(min=0))
        return torch.where((inputs.speakers == UNKNOWN)[:, None], self.voice(inputs.voices), named)


def stretch(durations: Tensor, num_frames: int) -> tuple[Tensor, Tensor]:
    """Which symbol each frame belongs to, and where in it.

    Frames past the end belong to the last symbol. The place is three numbers: the part of the symbol that is over, its
    logarithmic length, and the logarithmic number of frames left.

    Shape: durations (B, S) -> (B, N) int64, (B, N, 3) float32.
    """
    ends = durations.cumsum(dim=1)
    frames = torch.arange(num_frames, device=durations.device).expand(len(durations), -1).contiguous()
    which = torch.searchsorted(ends, frames, right=True).clamp(max=durations.shape[1] - 1)
    length = durations.gather(1, which).clamp(min=1).float()
    left = (ends.gather(1, which) - frames).clamp(min=1).float()
    return which, torch.stack([1 - left / length, length.log1p(), left.log1p()], dim=2)
