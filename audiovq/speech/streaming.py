"""Sound out of codes that are still being made: each stretch as soon as what it depends on is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from audiovq.audio.griffin_lim import GriffinLim, MelGriffinLim
from audiovq.models.vocoder import Vocoder
from audiovq.priors.generation import Generation
from audiovq.tokenizer import Tokenizer

FIRST_FRAMES, MOST_FRAMES = 6, 32  # coarsest, of a stretch: the first is soon there, later ones save work
_BLOCK_FRAMES = 32  # mels, of Griffin-Lim's blocks


@torch.inference_mode()
def sound_as_made(tokenizer: Tokenizer, generation: Generation) -> Iterator[Tensor]:
    """The sound of the one item of a generation, which goes on as far as the sound is asked for.

    It is the tokenizer's, but for roundings: stretches are of other shapes. Asking changes nothing about it.

    Shape: (1, n) each.
    """
    outputs = _outputs(tokenizer, generation)
    if tokenizer.model.config.head != "mel":
        yield from outputs
        return
    config = tokenizer.model.config.mel
    if tokenizer.vocoder is None:
        yield from _phases(outputs, MelGriffinLim(config, block_frames=_BLOCK_FRAMES))
        return
    made = _vocoded(outputs, tokenizer.vocoder)
    if tokenizer.vocoder.config.head == "magnitude":
        yield from _phases(made, GriffinLim(config, tokenizer.vocoder.config.num_iterations, _BLOCK_FRAMES))
    else:
        yield from made


def _outputs(tokenizer: Tokenizer, generation: Generation) -> Iterator[Tensor]:
    """What the decoder makes of the codes, stretch by stretch. Shape: (M or 1, n) each."""
    model, (request,) = tokenizer.model, generation.requests
    factors = [tokenizer.hop_lengths[0] // hop for hop in tokenizer.hop_lengths]
    # Finer levels matter less far ahead than coarser ones.
    ahead = [-(-frames // factor) for frames, factor in zip(model.decoder.context(0), factors, strict=True)]
    given, total = request.num_given, request.num_coarse - request.num_given
    begin, size = 0, FIRST_FRAMES
    while begin < total:
        end = min(total, begin + size)
        for number, covered in enumerate(generation.covered):
            needed = end + max(ahead[level] for level in covered)
            generation.reach(number, given + min(total, needed))
        low, high = max(0, begin - model.decode_context), min(total, end + model.decode_context)
        codes = [level[None, :, low * f : high * f] for level, f in zip(generation.codes(0), factors, strict=True)]
        made = model.decode([level.to(tokenizer.device) for level in codes])[0].float().cpu()
        per_frame = made.shape[1] // (high - low)
        yield made[:, (begin - low) * per_frame : (end - low) * per_frame]
        begin, size = end, min(2 * size, MOST_FRAMES)


def _vocoded(mels: Iterable[Tensor], vocoder: Vocoder) -> Iterator[Tensor]:
    """What a vocoder's network makes of mels that come in stretches. Shape: (M, n) each -> (F or 1, n') each."""
    context, device = vocoder.context, next(vocoder.parameters()).device
    held, settled = torch.empty(vocoder.config.mel.num_mels, 0), 0  # frames of what is held that were given out before

    def up_to(end: int) -> Tensor:
        made = vocoder(held[None].to(device))[0].float().cpu()
        per_frame = made.shape[1] // held.shape[1]
        return made[:, settled * per_frame : end * per_frame]

    for mel in mels:
        held = torch.cat([held, mel], dim=1)
        end = held.shape[1] - context
        if end > settled:
            yield up_to(end)
            spent = max(0, end - context)
            held, settled = held[:, spent:], end - spent
    if held.shape[1] > settled:
        yield up_to(held.shape[1])


def _phases(frames: Iterable[Tensor], griffin_lim: GriffinLim) -> Iterator[Tensor]:
    for part in frames:
        yield griffin_lim.push(part)[None]
    yield griffin_lim.flush()[None]
