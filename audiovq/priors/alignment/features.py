"""Frames of the finest level as what they sound like."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.models import VQVAE


def num_features(model: VQVAE) -> int:
    """Of one frame."""
    return model.config.mel.num_mels * _mels_per_frame(model) if model.config.head == "mel" else model.config.width


@torch.inference_mode()
def frame_features(model: VQVAE, levels: Sequence[Tensor]) -> Tensor:
    """The log-mels that the codes are decoded to, of each band those of one frame of the finest level in a row.

    For a tokenizer that decodes to waveforms it is the sum of the decoded codes of all levels.

    Shape: levels [(B, K_0, N_0), ..., (B, K_{L-1}, N)] -> (B, D, N).
    """
    if model.config.head == "mel":
        return model.decode(list(levels)).unflatten(2, (-1, _mels_per_frame(model))).transpose(2, 3).flatten(1, 2)
    latents = model.hierarchy.decode(list(levels))
    return torch.stack([F.interpolate(latent, size=latents[-1].shape[2]) for latent in latents]).sum(0)


def _mels_per_frame(model: VQVAE) -> int:
    return model.config.hop_lengths[-1] // model.config.mel.hop_length
