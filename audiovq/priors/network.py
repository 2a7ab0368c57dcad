"""The one network of all priors: codes read, codes foreseen, in the light of a condition and of coarser levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audiovq.nn.blocks import Stack
from audiovq.nn.linear import Linear
from audiovq.nn.mask import FrameMask
from audiovq.nn.modules import ModuleList
from audiovq.priors.condition import TextCondition, TextInputs
from audiovq.priors.config import PriorConfig
from audiovq.priors.layouts import NOTHING, Layout, flat_layout, level_layout
from audiovq.priors.music_condition import MusicCondition, MusicInputs
from audiovq.priors.transformer import Transformer

Inputs = TextInputs | MusicInputs  # what a network is conditioned on: of the kind that its configuration names


class CodeNetwork(nn.Module):
    """Embeds codes, adds what is known of each position, and foresees the codes there.

    Tokens that it reads are those of CodeLevels' shared vocabulary; ``self.unknown`` is one more, which begins a
    sequence, or stands for a code still to be made.
    """

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        levels, width = config.codes, config.transformer.width
        self.unknown = levels.vocabulary_size(max(config.covered) + 1)
        self.codes = nn.Embedding(self.unknown + 1, width)
        self.books = nn.Embedding(len(levels.books), width)
        self.condition: TextCondition | MusicCondition
        if config.reads == "music":
            self.condition = MusicCondition(config.music, width, levels, config.covered)
        else:
            self.condition = TextCondition(config.condition, width, levels, config.covered)
        if config.coarser:
            blocks, each = config.context_blocks, config.condition
            self.context = Stack(blocks, width, each.kernel_size, each.expansion)
        self.transformer = Transformer(config.transformer, causal=config.kind != "masked")
        self.made = [number for number, (level, _) in enumerate(levels.books) if level in config.covered]
        sizes = [levels.codebook_sizes[levels.books[number][0]] for number in self.made]
        self.heads = ModuleList[Linear](Linear(width, size) for size in sizes)
        nn.init.normal_(self.codes.weight, std=0.1)
        self._last_layout: Layout | None = None

    def layout(self, num_coarse: int) -> Layout:
        """Of what it makes, for so many coarsest frames."""
        levels, kind, device = self.config.codes, self.config.kind, self.codes.weight.device
        last = self._last_layout  # windows are all of one length, and what is built for each step costs a GPU dear
        if last is None or (last.num_coarse, last.index.device) != (num_coarse, device):
            with torch.inference_mode(False):  # what a validation leaves here, the next step learns with
                if kind == "flat":
                    last = flat_layout(levels, num_coarse)
                else:
                    last = level_layout(levels, self.config.level, num_coarse, delay=kind == "cascade")
                self._last_layout = last = last.to(device)
        return last

    def start_from_latents(self, tables: Sequence[Tensor]) -> None:
        """Begin with the tokenizer's own picture of its codes: alike codes are then alike from the first step on.

        Their spread, a quarter a channel, is near that of the other things that positions know at first.

        Shape: the latent of each code of each of CodeLevels.books, (V, D') each, of any D'.
        """
        with torch.no_grad():
            width = self.codes.embedding_dim
            for table, offset in zip(tables, self.config.codes.offsets, strict=True):
                if offset >= self.unknown:
                    break
                centred = (table - table.mean(0)).float()
                kept = (centred @ torch.linalg.svd(centred, full_matrices=False).Vh.T)[:, :width]
                scale = kept.square().sum(1).mean().sqrt() * 4 / width**0.5
                self.codes.weight[offset : offset + len(table), : kept.shape[1]] += (kept / scale).to(self.codes.weight)

    def known(self, inputs: Inputs, coarser: Sequence[Tensor] | None, layout: Layout, mask: FrameMask) -> Tensor:
        """What is known of each position before any of its codes.

        Without ``coarser`` it lacks what ``in_light_of`` says. Codes of one item alone are those of all rows.

        Shape: coarser [(B or 1, K_l, N_l), ...], the levels below ``level`` -> (B, S, D).
        """
        features: list[Tensor] = self.condition(inputs, mask)
        if self.config.coarser and coarser is not None:
            alike = len(coarser[0]) < len(mask.valid)
            features = [features[0] + self.in_light_of(coarser, FrameMask(mask.valid[:1]) if alike else mask)]
        # Past the last frame of an item's first stream the others may still be at work: a delay. They know its last.
        place = layout.frame[0].masked_fill(layout.frame[0] == NOTHING, layout.num_positions)
        rows = torch.zeros(())
        for level, each in zip(self.config.covered, features, strict=True):
            last = mask.at(self.config.codes.factors[level])[:, 0].sum(1).long() - 1
            position = place.minimum(last[:, None]).clamp(min=0)
            here = (layout.level[0] == level) | (layout.level[0] == NOTHING)
            found = each.transpose(1, 2).gather(1, position[..., None].expand(-1, -1, each.shape[1]))
            rows = rows + found * here[:, None]
        return rows + self.books(layout.book[0].masked_fill(layout.book[0] == NOTHING, self.made[0]))

    def known_of_item(self, inputs: Inputs, coarser: Sequence[Tensor] | None, layout: Layout, guided: bool) -> Tensor:
        """The same of one whole item; ``guided``: and once more with its condition hidden.

        Shape: coarser [(1, K_l, N_l), ...] -> (1 or 2, S, D).
        """
        rows = 2 if guided else 1
        mask = FrameMask(torch.ones(rows, layout.num_coarse, dtype=torch.bool))
        inputs = inputs.with_hidden_copy() if guided else inputs
        return self.known(inputs, coarser, layout, mask)

    def in_light_of(self, coarser: Sequence[Tensor], mask: FrameMask) -> Tensor:
        """What the coarser codes say of each frame. Shape: [(B, K_l, N_l), ...] -> (B, D, N)."""
        levels = self.config.codes
        factor = levels.factors[self.config.level]
        summed = torch.zeros(())
        for number, (level, k) in enumerate(levels.books):
            if level in self.config.coarser:
                codes = coarser[level][:, k] + levels.offsets[number]
                summed = summed + self.codes(codes).repeat_interleave(factor // levels.factors[level], dim=1)
        frames = mask.at(factor)
        return self.context(summed.transpose(1, 2), frames) * frames

    @property
    def look_ahead(self) -> int:
        """Coarsest frames beyond a frame's own on which ``in_light_of`` depends."""
        return -(-self.context.context(0) // self.config.codes.factors[self.config.level]) if self.config.coarser else 0

    def read(self, tokens: Tensor) -> Tensor:
        """Tokens of all streams as one row a position. Shape: (B, F, S) -> (B, S, D); NOTHING counts as zero."""
        there = (tokens != NOTHING)[..., None]
        return (self.codes(tokens.clamp(min=0)) * there).sum(1)

    def logits(self, hidden: Tensor, book: int) -> Tensor:
        """Of the codes of one codebook. Shape: (..., D) -> (..., V)."""
        return self.heads[self.made.index(book)](hidden)

    def guided_logits(self, hidden: Tensor, book: int, guidance: float) -> Tensor:
        """Of what is foreseen with and without the condition, pushed beyond it.

        Heads are linear, so that what they read can be pushed instead of what they write.

        Shape: (..., 2, D) -> (..., V).
        """
        known, unknown = hidden.unbind(-2)
        return self.logits(torch.lerp(unknown, known, guidance), book)
