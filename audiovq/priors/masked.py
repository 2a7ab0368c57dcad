"""All codes of a level in a few steps: how such a prior is trained, and how it fills in codes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from audiovq.priors import hashed
from audiovq.priors.autoregressive import Made
from audiovq.priors.layouts import NOTHING, Layout
from audiovq.priors.network import CodeNetwork, Inputs
from audiovq.priors.sampling import ItemRandom, Sampling, draw


def masked_share(progress: float) -> float:
    """The share of codes still unknown after this part of the work, from 1 to 0.

    Source: Chang et al. 2022, MaskGIT, section 3.3 (cosine schedule).
    """
    return math.cos(progress * math.pi / 2)


def hide(tokens: Tensor, unknown: int, seeds: Tensor) -> tuple[Tensor, Tensor]:
    """Hide a random part of the codes of a random codebook of each item, and all of those that refine it.

    Shape: tokens (B, F, S) with NOTHING past an item's end, one stream a codebook; seeds (B,) -> what is read, and
    where codes are to be foreseen (bool), both as tokens.
    Source: Borsos et al. 2023, SoundStorm, section 3.2.
    """
    number = tokens.shape[1]
    which, progress = hashed.uniforms(seeds, 2).T
    stream, place = (which * number).long()[:, None, None], torch.arange(number, device=tokens.device)[:, None]
    hidden = hashed.uniforms(seeds, tokens.shape[2], purpose=1) < (progress * math.pi / 2).cos()[:, None]
    there = tokens >= 0
    asked = there & (place == stream) & hidden[:, None]
    return tokens.masked_fill(asked | (there & (place > stream)), unknown), asked


@torch.inference_mode()
def fill_in(
    network: CodeNetwork,
    layout: Layout,
    inputs: Inputs,
    coarser: Sequence[Tensor],
    sampling: Sampling,
    random: ItemRandom,
    primer: Tensor | None = None,
) -> Made:
    """One item's tokens: each step makes all that are missing and keeps those it is surest of.

    Codebooks of a level are filled in one after the other, each in ``sampling.steps`` steps. ``primer`` holds tokens
    that are given, and NOTHING elsewhere.

    Shape: coarser [(1, K_l, N_l), ...], primer (1, F, S).
    """
    guided = sampling.guidance != 1
    known = network.known_of_item(inputs, coarser, layout, guided)
    tokens = torch.full((1, *layout.index.shape), network.unknown)
    if primer is not None:
        tokens = torch.where(primer == NOTHING, tokens, primer)
    log_probability = 0.0
    levels = network.config.codes
    temperature = sampling.temperature if network.config.level == 0 else sampling.fine_temperature
    for stream, book in enumerate(network.made):
        offset = levels.offsets[book]
        num_asked = int((tokens[0, stream] == network.unknown).sum())
        for step in range(sampling.steps if num_asked else 0):
            missing = (tokens[0, stream] == network.unknown).nonzero()[:, 0]
            hidden = network.transformer(network.read(tokens) + known)[:, missing]
            if guided:
                logits = network.guided_logits(hidden.transpose(0, 1), book, sampling.guidance)
            else:
                logits = network.logits(hidden[0], book)
            codes = draw(logits, sampling, temperature, random.uniforms(len(missing)))
            sure = (logits.gather(-1, codes[:, None])[:, 0] - logits.logsumexp(-1)).double()
            left = math.floor(masked_share((step + 1) / sampling.steps) * num_asked)
            kept = torch.arange(len(missing))
            if step + 1 < sampling.steps:
                # Noise that dies away lets some less sure ones in, or all that is kept would be the commonplace.
                noise = -(-random.uniforms(len(missing)).clamp(min=1e-12).log()).log()
                order = (sure + temperature * (1 - (step + 1) / sampling.steps) * noise).argsort(descending=True)
                kept = order[: max(1, len(missing) - left)]
            tokens[0, stream, missing[kept]] = codes[kept] + offset
            log_probability += float(sure[kept].sum())
            if len(kept) == len(missing):
                break
    return Made(tokens, log_probability)
