"""Code after code: what such a prior reads in training, and how it makes codes with a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.priors.layouts import NOTHING, Layout
from audiovq.priors.network import CodeNetwork, Inputs
from audiovq.priors.sampling import ItemRandom, Sampling, draw
from audiovq.priors.transformer import Cache


def shifted(tokens: Tensor, begin: int) -> Tensor:
    """What is read at each position: the tokens of the one before it. Shape: (B, F, S) -> (B, F, S)."""
    return torch.cat([torch.full_like(tokens[..., :1], begin), tokens[..., :-1]], dim=-1)


@dataclass
class Made:
    """Tokens that were made, and the logarithm of how likely they were, in nats. Shape: tokens (1, F, S)."""

    tokens: Tensor
    log_probability: float


class StepByStep:
    """A causal network at work on one item, position by position, on what it has cached.

    With guidance beside 1 it works on two copies, one of which does not know the condition.
    """

    def __init__(
        self, network: CodeNetwork, layout: Layout, inputs: Inputs, coarser: Sequence[Tensor], guidance: float
    ) -> None:
        self.network, self.layout, self.guidance = network, layout, guidance
        self.known = network.known_of_item(inputs, coarser, layout, guided=guidance != 1)
        self.cache = Cache(network.config.transformer, len(self.known), layout.num_positions, self.known)

    def extend(self, read: Tensor) -> Tensor:
        """Read the tokens before the next n positions; what is foreseen at those. Shape: (1, F, n) -> (rows, n, D)."""
        start = self.cache.length
        x = self.network.read(read) + self.known[:, start : start + read.shape[2]]
        return self.network.transformer.extend(x, self.cache)

    def logits(self, hidden: Tensor, book: int) -> Tensor:
        """Of one position. Shape: (rows, D) -> (V,)."""
        rows = self.network.logits(hidden, book)
        return rows[0] if len(rows) == 1 else rows[1] + self.guidance * (rows[0] - rows[1])


@torch.inference_mode()
def generate(
    network: CodeNetwork,
    layout: Layout,
    inputs: Inputs,
    coarser: Sequence[Tensor],
    sampling: Sampling,
    random: ItemRandom,
    primer: Tensor | None = None,
) -> Made:
    """One item's tokens.

    ``primer`` holds tokens that are given, at the first positions, and NOTHING after them.

    Shape: coarser [(1, K_l, N_l), ...], primer (1, F, S).
    """
    work = StepByStep(network, layout, inputs, coarser, sampling.guidance)
    tokens = torch.full((1, *layout.index.shape), NOTHING)
    read = shifted(tokens, network.unknown)
    levels, log_probability, first = network.config.codes, 0.0, 0
    if primer is not None:
        free = ((primer == NOTHING) & layout.valid()).any(dim=1)[0].nonzero()
        first = int(free[0]) if len(free) else layout.num_positions
        tokens[..., :first] = primer[..., :first]
        read = shifted(tokens, network.unknown)
        if first > 1:
            work.extend(read[..., : first - 1])
        first = max(first, 1) - 1
    places = [
        [(stream, int(book)) for stream, book in enumerate(layout.book[:, position]) if book != NOTHING]
        for position in range(layout.num_positions)
    ]
    for position in range(first, layout.num_positions):
        hidden = work.extend(read[..., position : position + 1])[:, 0]
        for stream, book in places[position]:
            if tokens[0, stream, position] != NOTHING:
                continue
            logits, offset = work.logits(hidden, book), levels.offsets[book]
            temperature = sampling.temperature if levels.books[book][0] == 0 else sampling.fine_temperature
            earlier = tokens[0, stream, max(0, position - sampling.repetition_window) : position] - offset
            code = _draw(logits, sampling, temperature, earlier, random)
            log_probability += float(logits.log_softmax(-1)[code])
            tokens[0, stream, position] = code + offset
        if position + 1 < layout.num_positions:
            read[..., position + 1] = tokens[..., position]
    return Made(tokens, log_probability)


def _draw(logits: Tensor, sampling: Sampling, temperature: float, earlier: Tensor, random: ItemRandom) -> int:
    uniforms = random.uniforms(2)
    code = int(draw(logits, sampling, temperature, uniforms[0]))
    is_full = sampling.repetition_window and len(earlier) == sampling.repetition_window
    if is_full and float((earlier == code).double().mean()) >= sampling.repetition_share:
        code = int(draw(logits, Sampling(top_p=1.0), 1.0, uniforms[1]))
    return code
