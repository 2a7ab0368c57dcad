"""What generator and discriminators want of each other, for any number of discriminators.

Scores and features are (B, C, N, H) with the frames N of each item counted in (B,). The loss of an item is the mean
over its own frames, averaged over discriminators; that of a batch is the mean of its items' losses by their
``weights`` (B,), and 0 when these are all 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

FORMS = ("hinge", "least_squares")
QUIET = 1e-2  # mean size of a feature map below which differences are not measured relatively


def discriminator_loss(
    form: str, real: Sequence[Tensor], decoded: Sequence[Tensor], frames: Sequence[Tensor], weights: Tensor
) -> Tensor:
    """Scores of real sound go to 1; of decoded sound to -1 (hinge) or 0 (least squares).

    Source: Lim & Ye 2017, Geometric GAN, equation 9; Mao et al. 2017, Least Squares GAN, equation 9.
    """
    if _is_hinge(form):
        return _mean(real, frames, weights, lambda x: (1 - x).relu()) + _mean(
            decoded, frames, weights, lambda x: (1 + x).relu()
        )
    return _mean(real, frames, weights, lambda x: (1 - x).square()) + _mean(decoded, frames, weights, torch.square)


def generator_loss(form: str, decoded: Sequence[Tensor], frames: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Scores of decoded sound go to 1.

    Source: Zeghidour et al. 2021, SoundStream, equation 2 (hinge); Mao et al. 2017, equation 9.
    """
    if _is_hinge(form):
        return _mean(decoded, frames, weights, lambda x: (1 - x).relu())
    return _mean(decoded, frames, weights, lambda x: (1 - x).square())


def feature_matching_loss(
    real: Sequence[Tensor], decoded: Sequence[Tensor], frames: Sequence[Tensor], weights: Tensor
) -> Tensor:
    """L1 of hidden layers' outputs, each relative to the size of the real one's.

    Source: Défossez et al. 2022, High Fidelity Neural Audio Compression, equation 5; the sizes are those of each item.
    """
    distances = []
    for a, b, own in zip(real, decoded, frames, strict=True):
        target = a.detach().float()
        size = _item_means(target.abs(), own).clamp(min=QUIET)
        distances.append(_item_means((b.float() - target).abs(), own) / size)
    return _mean_of_items(torch.stack(distances).mean(0), weights)


def _is_hinge(form: str) -> bool:
    if form not in FORMS:
        raise ValueError(f"the form of the adversarial loss is {form!r}, expected one of {', '.join(FORMS)}")
    return form == "hinge"


def _mean(
    scores: Sequence[Tensor], frames: Sequence[Tensor], weights: Tensor, function: Callable[[Tensor], Tensor]
) -> Tensor:
    means = [_item_means(function(score.float()), own) for score, own in zip(scores, frames, strict=True)]
    return _mean_of_items(torch.stack(means).mean(0), weights)


def _item_means(x: Tensor, frames: Tensor) -> Tensor:
    """The mean of each item over its own frames, 0 where it has none. Shape: (B, C, N, H), (B,) -> (B,)."""
    own = (torch.arange(x.shape[2], device=x.device) < frames[:, None]).float()[:, None, :, None]
    return (x * own).sum(dim=(1, 2, 3)) / (frames * x.shape[1] * x.shape[3]).clamp(min=1)


def _mean_of_items(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
