"""How badly codes are foreseen, codebook by codebook: the loss of all priors, and their score in bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.nn.mask import FrameMask
from audiovq.priors import hashed
from audiovq.priors.autoregressive import shifted
from audiovq.priors.layouts import Layout
from audiovq.priors.levels import CodeLevels
from audiovq.priors.masked import hide
from audiovq.priors.network import CodeNetwork, Inputs

_SKIPPED = -100  # cross_entropy leaves out what is wanted there


def foreseen(
    network: CodeNetwork,
    inputs: Inputs,
    codes: Sequence[Tensor],
    num_coarse: Tensor,
    seeds: Tensor,
    since: int = 0,
) -> dict[int, tuple[Tensor, Tensor]]:
    """Of each codebook that the network makes: its codes' negative log-probabilities in nats, summed, and their number.

    In training mode the codes that are read are disturbed by ``config.code_noise``. ``seeds`` are the items' own: a
    masked prior is asked for a random part. Only codes ``since`` a coarsest frame count. Nothing here waits for the
    device.

    Shape: codes [(B, K_l, N_l), ...] of all levels up to those that it makes, padded with any code; num_coarse and
    seeds (B,) int64.
    """
    config = network.config
    mask = FrameMask.from_lengths(num_coarse, codes[0].shape[-1])
    layout = network.layout(codes[0].shape[-1])
    noise = config.code_noise if network.training else 0.0
    noisy = [
        disturbed(each, size, noise, seeds + level)
        for level, (each, size) in enumerate(zip(codes, config.codes.codebook_sizes, strict=False))
    ]
    tokens = layout.tokens(codes, num_coarse)
    if config.kind == "masked":
        read, asked = hide(layout.tokens(noisy, num_coarse), network.unknown, seeds)
    else:
        read, asked = shifted(layout.tokens(noisy, num_coarse), network.unknown), layout.valid(num_coarse)
    if since:
        asked = asked & layout.since(since)
    known = network.known(inputs, [noisy[level] for level in config.coarser], layout, mask)
    positions = layout.valid(num_coarse).any(dim=1)
    hidden = network.transformer(network.read(read) + known, positions)
    return {book: _of_book(network, hidden, tokens, asked, layout, book) for book in network.made}


@torch.inference_mode()
def level_nats(network: CodeNetwork, inputs: Inputs, levels: Sequence[Tensor]) -> dict[int, float]:
    """What one item's codes cost in nats, of each level that the network makes.

    Shape: inputs of one item; levels (K_l, N_l) of all levels up to those that it makes.
    Raises: ValueError for a masked network, which is asked for a random part of the codes.
    """
    if network.config.kind == "masked":
        raise ValueError("a masked network foresees a random part of the codes: they have no likelihood")
    needed = [level[None] for level in levels[: max(network.config.covered) + 1]]
    zero = torch.zeros(1, dtype=torch.int64, device=needed[0].device)
    found = foreseen(network, inputs, needed, zero + needed[0].shape[-1], zero)
    nats = dict.fromkeys(network.config.covered, 0.0)
    for book, (of_book, _) in found.items():
        nats[network.config.codes.books[book][0]] += float(of_book)
    return nats


def _of_book(
    network: CodeNetwork, hidden: Tensor, tokens: Tensor, asked: Tensor, layout: Layout, book: int
) -> tuple[Tensor, Tensor]:
    stream, position = layout.places(book)
    wanted = tokens[:, stream, position] - network.config.codes.offsets[book]
    counted = asked[:, stream, position]
    logits = network.logits(hidden[:, position], book).float()
    nats = F.cross_entropy(logits.flatten(0, 1), wanted.masked_fill(~counted, _SKIPPED).flatten(), reduction="sum")
    return nats, counted.sum()


def disturbed(codes: Tensor, size: int, share: float, seeds: Tensor) -> Tensor:
    """Codes of which a share is replaced by random ones. Shape: (B, K, N), seeds (B,) -> (B, K, N)."""
    if share == 0:
        return codes
    number = codes[0].numel()
    where, other = (hashed.uniforms(seeds, number, purpose).view_as(codes) for purpose in (1, 2))
    return torch.where(where < share, (other * size).long(), codes)


def bits_per_second(nats_per_code: Mapping[int, float], levels: CodeLevels, coarsest_rate: Fraction) -> float:
    """What a second of audio costs under a prior, from the mean negative log-probability of each codebook's codes."""
    rates = {number: coarsest_rate * levels.factors[level] for number, (level, _) in enumerate(levels.books)}
    nats = sum(value * float(rates[book]) for book, value in nats_per_code.items())
    return nats / math.log(2)
