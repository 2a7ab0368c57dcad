"""Taking over a network of other log-mels: of another sampling rate, of fewer or more bands, of one channel or two."""

from __future__ import annotations

import librosa
import numpy as np
import torch
from torch import Tensor

from audiovq.audio.mel import LogMelConfig
from audiovq.models.beginning import goes_from_mels_to_mels, kept_rows
from audiovq.models.vqvae import VQVAE
from audiovq.nn.conv import SameConv


def reads_other_bands(source: VQVAE, target: VQVAE) -> bool:
    """Whether both go from log-mels to log-mels by layers of the same sizes, but the bands of these differ."""
    own, known = target.config, source.config
    if not goes_from_mels_to_mels(own) or not goes_from_mels_to_mels(known):
        return False
    if own.width != known.width or own.stem_strides != known.stem_strides:
        return False
    return own.mel != known.mel or own.num_bands != known.num_bands


@torch.no_grad()
def carry_bands(source: VQVAE, target: VQVAE) -> None:
    """Let ``target`` read and give its log-mels as ``source`` does: each band by its neighbours in frequency.

    Bands above all of the source's begin as its highest. What only ``target`` has, the difference and the agreement of
    two channels, gets room beside what ``source`` uses.
    """
    own, known = target.config.mel, source.config.mel
    parts = min(source.config.num_channels, target.config.num_channels) * 2 - 1
    read = torch.block_diag(*[_interpolation(own, known)] * parts)
    given = torch.block_diag(*[_interpolation(known, own)] * parts)
    into, out = target.encoder.input.conv, _head(target).conv
    from_conv, from_head = source.encoder.input.conv, _head(source).conv
    assert into.bias is not None and out.bias is not None and from_conv.bias is not None and from_head.bias is not None
    shared, known_rows = given.shape
    into.weight[:, :shared] = torch.einsum("wkt,km->wmt", from_conv.weight[:, :known_rows], read)
    into.bias.copy_(from_conv.bias)
    out.weight[:shared, :, 0] = given @ from_head.weight[:known_rows, :, 0]
    out.bias[:shared] = given @ from_head.bias[:known_rows]
    rows = kept_rows(target.config)[shared:, shared:]
    if len(rows):
        _make_room(target, shared, rows)


def _make_room(target: VQVAE, shared: int, rows: Tensor) -> None:
    """Let bands from ``shared`` on go in and out as in an untrained network, where the others' ways use least.

    Shape: rows (n, B - shared), what is kept of them
    """
    encoder, decoder, (stride,) = target.encoder, target.decoder, target.config.stem_strides
    into, out = encoder.input.conv.weight, _head(target).conv.weight
    stem, head_up = encoder.stem[0], decoder.head_up[0]
    read, given = into[:, :shared, encoder.input.padding], out[:shared, :, 0].T
    down = [stem.conv.weight[..., stem.padding + place] for place in range(stride)]
    up = [head_up.conv.weight[..., head_up.padding + place] for place in range(stride)]  # (in, out)
    first, last = _least_used([read], len(rows)), _least_used([given], len(rows))
    used = [way @ end for ways, end in ((down, read), (up, given)) for way in ways]
    rooms = _least_used(used, stride * len(rows)).chunk(stride, dim=1)
    into[:, shared:] = 0
    into[:, shared:, encoder.input.padding] = first @ rows
    out[shared:, :, 0] = rows.T @ last.T
    for to_room, from_room, room in zip(down, up, rooms, strict=True):
        to_room += (room - to_room @ first) @ first.T
        from_room += (room - from_room @ last) @ last.T


def _least_used(used: list[Tensor], count: int) -> Tensor:
    """So many orthonormal columns, of directions that have the least of those in use. Shape: (W, M) -> (W, count)."""
    return torch.linalg.svd(torch.cat(used, dim=1), full_matrices=True).U[:, -count:]


def _head(model: VQVAE) -> SameConv:
    assert isinstance(model.decoder.head, SameConv)
    return model.decoder.head


def _interpolation(given: LogMelConfig, wanted: LogMelConfig) -> Tensor:
    """Matrix from the bands that are given to those that are wanted. Shape: (M_wanted, M_given), rows add up to 1."""
    identity, wanted_centres, given_centres = np.eye(given.num_mels), _centres(wanted), _centres(given)
    columns = [np.interp(wanted_centres, given_centres, row) for row in identity]
    return torch.tensor(np.stack(columns, axis=1), dtype=torch.float32)


def _centres(config: LogMelConfig) -> np.ndarray:
    """The middles of the bands in Hz, from low to high."""
    edges = librosa.mel_frequencies(
        config.num_mels + 2, fmin=config.fmin, fmax=config.fmax, htk=config.filter_scale == "htk"
    )
    return np.asarray(edges[1:-1])
