"""How long each symbol lasts: a forecast from the text, the voice and the language."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from audiovq.nn.blocks import Stack
from audiovq.nn.mask import FrameMask
from audiovq.priors.condition import UNKNOWN, ConditionConfig, TextInputs
from audiovq.priors.sampling import ItemRandom

_SHORTEST_FRAMES = 0.5  # what is foreseen to last less lasts nothing: stress marks, most gaps between words
_LONGEST_FRAMES = 100.0  # of a symbol: two seconds of silence at 50 frames a second


@dataclass(kw_only=True)
class DurationConfig:
    """Sizes. ``condition`` has those of the inventories, and of the networks; its frame_blocks mean nothing here."""

    width: int = 192
    dropout: float = 0.2
    condition: ConditionConfig = field(default_factory=ConditionConfig)


class DurationPredictor(nn.Module):
    """Foresees log(1 + frames) of each symbol as a normal distribution.

    Source: Ren et al. 2021, FastSpeech 2, section 2 (durations in the logarithmic domain).
    """

    def __init__(self, config: DurationConfig) -> None:
        super().__init__()
        self.config = config
        sizes, width = config.condition, config.width
        self.symbols = nn.Embedding(sizes.num_symbols, width)
        self.languages = nn.Embedding(sizes.num_languages, width)
        self.speakers = nn.Embedding(sizes.num_speakers, width)
        self.voice = nn.Linear(sizes.voice_size, width)
        self.text = Stack(sizes.text_blocks, width, sizes.kernel_size, sizes.expansion)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, 2)

    def forward(self, inputs: TextInputs) -> tuple[Tensor, Tensor]:
        """Mean and logarithmic variance. Shape: (B, S) each."""
        mask = FrameMask.from_lengths(inputs.num_symbols, inputs.symbols.shape[1]).at(1)
        named = self.speakers(inputs.speakers.clamp(min=0))
        voice = torch.where((inputs.speakers == UNKNOWN)[:, None], self.voice(inputs.voices), named)
        x = self.symbols(inputs.symbols) + (self.languages(inputs.languages) + voice)[:, None]
        x = self.text(x.transpose(1, 2), mask).transpose(1, 2)
        mean, log_variance = self.head(self.dropout(x)).unbind(-1)
        return mean, log_variance.clamp(-8.0, 4.0)

    @torch.inference_mode()
    def frames(self, inputs: TextInputs, random: ItemRandom, temperature: float, speed: float) -> Tensor:
        """Whole frames of the finest level, for the symbols of one item.

        At a temperature of 0 each symbol lasts as long as on the average; at 1 its length is drawn.

        Shape: inputs of one item -> (1, S) int64.
        """
        mean, log_variance = (part.double() for part in self(inputs))
        deviation = (0.5 * log_variance).exp()
        uniforms = random.uniforms(mean.shape[1]).to(mean.device).clamp(1e-6, 1 - 1e-6)
        drawn = temperature * deviation * torch.special.ndtri(uniforms)
        # The mean of a log-normal distribution lies above its median; what is drawn makes up for that by itself.
        above = (1 - temperature**2) * 0.5 * deviation.square() if temperature < 1 else 0.0
        frames = ((mean + drawn + above).exp() - 1).clamp(max=_LONGEST_FRAMES) / speed
        return torch.where(frames < _SHORTEST_FRAMES, 0.0, frames.round().clamp(min=1)).long()


def fitted(frames: Tensor, total: int) -> Tensor:
    """Durations in the same proportions that sum to ``total``: those that lose most by rounding down get one more.

    Shape: (1, S) of any numbers, not all 0 -> (1, S) int64.
    """
    wanted = frames.double() * total / frames.sum()
    whole = wanted.floor()
    more = (wanted - whole).argsort(dim=1, descending=True, stable=True)[:, : total - int(whole.sum())]
    return whole.long().scatter_add(1, more, torch.ones_like(more))
