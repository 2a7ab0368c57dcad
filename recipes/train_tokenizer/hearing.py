"""What the network hears of a batch, and its output as a log-mel."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from audiovq.data.loader import Batch
from audiovq.models import VQVAE
from audiovq.models.config import VQVAEConfig
from audiovq.models.stereo import split
from audiovq.nn.mask import FrameMask


def heard(batch: Batch, config: VQVAEConfig) -> tuple[Batch, FrameMask]:
    """An item for each set of codes of the channels, and which coarsest frames are an item's own."""
    waves = split(batch.wave, config.stereo)
    num_sets = waves.shape[1]
    frames, seeds = (of.repeat_interleave(num_sets) for of in (batch.num_frames, batch.seeds))
    coded = replace(batch, wave=waves.flatten(0, 1), num_frames=frames, seeds=seeds)
    return coded, FrameMask.from_lengths(frames, coded.wave.shape[-1] // config.hop_lengths[0])


def as_mel(output: Tensor, model: VQVAE) -> Tensor:
    """Shape: a decoder's output, or a wave, -> (B, M, n)."""
    return output if output.shape[1] == model.config.num_bands else model.mel(output)
