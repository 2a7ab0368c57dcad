"""From mel magnitudes to linear ones, as far as that goes without knowing anything about sound."""

from torch import Tensor, nn

from audiovq.audio.mel import LogMelConfig, mel_filters
from audiovq.system.matmul import linear

_STEPS = 6  # more of them change no score
_TINY = 1e-8


class Unfold(nn.Module):
    """Spreads mel magnitudes over linear bins: the non-negative fit of least Kullback-Leibler divergence.

    Shape: (..., N, M) -> (..., N, F)
    Source: Richardson 1972, Bayesian-Based Iterative Method of Image Restoration.
    """

    filters: Tensor
    total: Tensor

    def __init__(self, config: LogMelConfig) -> None:
        super().__init__()
        filters = mel_filters(config)
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("total", filters.sum(0).clamp(min=_TINY), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        magnitude = mel.new_ones(*mel.shape[:-1], len(self.total))
        for _ in range(_STEPS):
            excess = mel / (linear(magnitude, self.filters) + _TINY)
            magnitude = magnitude * (linear(excess, self.filters.T) / self.total)
        return magnitude
