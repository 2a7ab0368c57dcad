"""How an untrained network begins: as a pyramid of the log-mel itself, which it then learns to improve on.

With the usual random weights the way from a log-mel through encoder and decoder is a product of random matrices.
Training soon learns loudness and colour through it, but hardly the fine lines of harmonics: music came out without
pitch.
"""

from __future__ import annotations

import torch
import torchaudio.functional
from torch import Tensor, nn

from audiovq.models.config import VQVAEConfig
from audiovq.models.vqvae import VQVAE
from audiovq.nn.conv import Downsample, SameConv, Upsample

_KEPT = 0.1  # the share of their random size that the weights keep which are not set


@torch.no_grad()
def untrained(config: VQVAEConfig) -> VQVAE:
    """A network whose convolutions are set so that its latents, not quantised, give a log-mel back.

    A level's latent is then the mean of its frames, less what the coarser levels say where the form looks at them, and
    the decoder adds the levels up. Exact but for the residual blocks, which begin close to the identity, as long as the
    width has room for the bands of all frames that become one; else a random part is missing, or what ``kept_rows``
    leaves out. Networks with waveforms on a side, and stems of several strides, begin with random weights.

    Source: Burt & Adelson 1983, The Laplacian Pyramid as a Compact Image Code, equations 4 and 5.
    """
    model = VQVAE(config)
    encoder, hierarchy, decoder = model.encoder, model.hierarchy, model.decoder
    if not goes_from_mels_to_mels(config):
        return model
    identity, (stride,), rows = torch.eye(config.width), config.stem_strides, kept_rows(config)
    basis = _orthonormal(config.width, len(rows))
    # The frames that become one frame of the finest level come side by side into its channels.
    places = [part @ basis.T for part in _orthonormal(config.width, stride * len(rows)).chunk(stride, dim=1)]
    _set(encoder.input, [basis @ rows])
    _set(encoder.stem[0], places)
    _set(decoder.head_up[0], [place.T for place in places])
    assert isinstance(decoder.head, SameConv)
    _set(decoder.head, [rows.T @ basis.T])
    for down in encoder.down:
        _set(down, [identity / down.stride] * down.stride)
    if config.hierarchy == "parallel":  # its levels overlap: they do not add up
        return model
    for up in [*decoder.up, *(conditioner.up for conditioner in hierarchy.conditioners)]:
        _set(up, [identity] * up.stride)
    for conditioner in hierarchy.conditioners:
        _set(conditioner.join, [torch.cat([identity, -identity], dim=1)])
    return model


def goes_from_mels_to_mels(config: VQVAEConfig) -> bool:
    """Whether log-mels go in and come out, by one and the same stride between them and the finest level."""
    one_stride = len(config.stem_strides) == 1 and config.stem_strides == config.head_strides
    return config.frontend == config.head == "mel" and one_stride


def kept_rows(config: VQVAEConfig) -> Tensor:
    """What an untrained network takes of a frame, as orthonormal rows: all of it, but of joint stereo what has room.

    That is what both channels share, and of the rest, which changes little from band to band, the slowest cosines.

    Shape: (n, B), B of ``config.num_bands``
    """
    if config.stereo != "joint":
        return torch.eye(config.num_bands)
    bands = config.mel.num_mels
    room = (config.width // config.stem_strides[0] - bands) // 2
    slow = torchaudio.functional.create_dct(bands, bands, norm="ortho").T[: max(0, room)]
    return torch.block_diag(torch.eye(bands), slow, slow)


def _orthonormal(rows: int, columns: int) -> Tensor:
    """Random, with orthonormal columns, or rows if these are fewer."""
    return nn.init.orthogonal_(torch.empty(rows, columns))


def _set(layer: SameConv | Downsample | Upsample, steps: list[Tensor]) -> None:
    """Let a layer apply these matrices to the frames that become one, or make these frames of one, and little else.

    Shape: each (out, in).
    """
    weight = layer.conv.weight
    weight.mul_(_KEPT)
    for tap, step in enumerate(steps, start=layer.padding):
        weight[..., tap] += step.T if isinstance(layer, Upsample) else step
    assert layer.conv.bias is not None
    layer.conv.bias.zero_()
