"""The network that says how well each frame fits each symbol."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiovq.nn.blocks import Stack
from audiovq.nn.conv import SameConv
from audiovq.nn.mask import FrameMask, masked

_NEVER = -1e9


@dataclass(kw_only=True)
class AlignerConfig:
    """Sizes of the inventories and of the two networks."""

    num_symbols: int = 2
    num_speakers: int = 1
    num_languages: int = 1
    num_features: int = 160  # of a frame
    feature_mean: float = -6.0
    feature_scale: float = 3.0
    width: int = 128
    key_size: int = 64
    text_blocks: int = 2
    frame_blocks: int = 2
    kernel_size: int = 5
    expansion: int = 2


class Aligner(nn.Module):
    """Keys of symbols and queries of frames; the closer they are, the more likely the frame is the symbol's.

    Source: Badlani et al. 2021, One TTS Alignment To Rule Them All, section 2.1, with other networks.
    """

    def __init__(self, config: AlignerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.symbols = nn.Embedding(config.num_symbols, width)
        self.speakers = nn.Embedding(config.num_speakers, width)
        self.languages = nn.Embedding(config.num_languages, width)
        for embedding in (self.speakers, self.languages):
            nn.init.zeros_(embedding.weight)
        self.text = Stack(config.text_blocks, width, config.kernel_size, config.expansion)
        self.keys = SameConv(width, config.key_size, kernel_size=1)
        self.read = SameConv(config.num_features, width, kernel_size=3)
        self.frames = Stack(config.frame_blocks, width, config.kernel_size, config.expansion)
        self.queries = SameConv(width, config.key_size, kernel_size=1)
        self.sharpness = nn.Parameter(torch.tensor(-1.0))

    def forward(
        self,
        symbols: Tensor,
        num_symbols: Tensor,
        speakers: Tensor,
        languages: Tensor,
        features: Tensor,
        num_frames: Tensor,
    ) -> Tensor:
        """Log-probabilities of the symbols at each frame; those beyond an item's symbols are as good as impossible.

        Shape: symbols (B, S), features (B, D, N), the others (B,) int64 -> (B, N, S).
        """
        text_mask = FrameMask.from_lengths(num_symbols, symbols.shape[1]).at(1)
        frame_mask = FrameMask.from_lengths(num_frames, features.shape[2]).at(1)
        voice = (self.speakers(speakers) + self.languages(languages))[:, :, None]
        keys = self.keys(self.text(self.symbols(symbols).transpose(1, 2) + voice, text_mask))
        normal = (features - self.config.feature_mean) / self.config.feature_scale
        queries = self.queries(self.frames(self.read(masked(normal, frame_mask), frame_mask), frame_mask))
        distances = (
            queries.square().sum(1)[:, :, None] + keys.square().sum(1)[:, None, :] - 2 * queries.transpose(1, 2) @ keys
        )
        scores = -self.sharpness.exp() * distances
        return torch.log_softmax(scores.masked_fill(text_mask == 0, _NEVER), dim=2)


def beta_binomial_log_prior(num_frames: Tensor, num_symbols: Tensor, scaling: float = 1.0) -> Tensor:
    """How likely each symbol is at each frame, if all that is known is how many there are of both.

    Shape: (B,) int64 both -> (B, N, S) with the largest of each; beyond an item's own frames and symbols it is 0.
    Source: Shih et al. 2021, RAD-TTS, section 3.2 and appendix A.
    """
    frames = torch.arange(1, int(num_frames.max()) + 1, device=num_frames.device)[None, :, None]
    k = torch.arange(int(num_symbols.max()), device=num_frames.device)[None, None, :].double()
    total = (num_symbols - 1)[:, None, None].double()
    own = (frames <= num_frames[:, None, None]) & (k <= total)
    a = (scaling * frames).double()
    b = (scaling * (num_frames[:, None, None] - frames + 1)).double().clamp(min=scaling)
    k = torch.minimum(k, total)
    log_prior = _log_choose(total, k) + _log_beta(k + a, total - k + b) - _log_beta(a, b)
    return torch.where(own, log_prior, 0.0).float()


def _log_choose(n: Tensor, k: Tensor) -> Tensor:
    return torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
