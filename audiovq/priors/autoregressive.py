"""Code after code: what such a prior reads in training, and how it makes codes with a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from audiovq.nn.mask import FrameMask
from audiovq.priors.layouts import NOTHING, Layout
from audiovq.priors.network import CodeNetwork, Inputs
from audiovq.priors.sampling import ItemRandom, Sampling, draw
from audiovq.priors.stepping import Steps
from audiovq.priors.transformer import Cache

STEP_FRAMES = 4  # coarsest frames whose coarser codes are read at a time: few, so that finer levels can follow soon


def shifted(tokens: Tensor, begin: int) -> Tensor:
    """What is read at each position: the tokens of the one before it. Shape: (B, F, S) -> (B, F, S)."""
    return torch.cat([torch.full_like(tokens[..., :1], begin), tokens[..., :-1]], dim=-1)


@dataclass
class Item:
    """One of the things that are made together.

    ``random`` is its own. ``primer`` holds tokens that are given, and NOTHING elsewhere; those of the first positions
    are read at one go.

    Shape: inputs of one item, primer (1, F, S).
    """

    layout: Layout
    inputs: Inputs
    random: ItemRandom
    primer: Tensor | None = None


@dataclass
class Made:
    """Tokens that were made, and the logarithm of how likely they were, in nats. Shape: tokens (1, F, S)."""

    tokens: Tensor
    log_probability: float = 0.0


class StepByStep:
    """A causal network at work on items, position by position, on what it has cached.

    With guidance beside 1 it works on two copies of each, the second of which does not know the condition. The items
    are of falling length; those that are at their end drop out.

    Shape: known (rows, S, D), rows of one item together.
    """

    def __init__(self, network: CodeNetwork, items: Sequence[Item], guidance: float) -> None:
        self.network, self.guidance = network, guidance
        self.num_copies = 1 if guidance == 1 else 2
        self.layouts = [item.layout for item in items]
        levels, level = network.config.codes, network.config.level
        late = self.layouts[0].num_streams - 1  # positions that the last stream comes behind the first
        self._late = -(-late // levels.factors[level]) if network.config.coarser else 0
        parts = [network.known_of_item(item.inputs, None, item.layout, guided=guidance != 1) for item in items]
        longest = self.layouts[0].num_positions
        self.known = torch.cat([F.pad(part, (0, 0, 0, longest - part.shape[1])) for part in parts])
        self.cache = Cache(network.transformer, len(self.known), longest)
        self._steps = Steps(network.transformer)
        self._num_told = 0  # coarsest frames whose coarser codes are in ``known``

    def needed(self, end: int) -> int:
        """Coarsest frames of the coarser codes that ``tell`` needs before it can tell of ``end`` of them."""
        if not self.network.config.coarser:
            return 0
        return -(-(end + self._late) // STEP_FRAMES) * STEP_FRAMES + self.network.look_ahead

    def tell(self, coarser: Sequence[Sequence[Tensor]], end: int) -> None:
        """Add what the coarser codes say of the coarsest frames before ``end``, in steps of one grid.

        Shape: coarser of each item [(1, K_l, N_l), ...], of ``needed(end)`` coarsest frames at least, or all.
        """
        config = self.network.config
        factor, ahead = config.codes.factors[config.level], self.network.look_ahead
        while config.coarser and self._num_told < end + self._late:
            start, stop = self._num_told, self._num_told + STEP_FRAMES
            for number, (codes, layout) in enumerate(zip(coarser, self.layouts, strict=True)):
                if start >= layout.num_coarse:
                    continue
                low, high = max(0, start - ahead), min(layout.num_coarse, stop + ahead)
                window = [level[..., low * f : high * f] for level, f in zip(codes, config.codes.factors, strict=False)]
                said = self.network.in_light_of(window, FrameMask(torch.ones(1, high - low, dtype=torch.bool)))
                # Past an item's last frame, where a delay has codes still to make, they know its last.
                last = layout.num_coarse * factor - 1
                positions = torch.arange(
                    start * factor, stop * factor if stop < layout.num_coarse else layout.num_positions
                )
                copies = slice(number * self.num_copies, (number + 1) * self.num_copies)
                self.known[copies, positions] += said[0].T[positions.clamp(max=last) - low * factor]
            self._num_told = stop

    def extend(self, read: Tensor) -> Tensor:
        """Read the tokens before the next n positions; what is foreseen at those.

        Items that are left out drop out for good.

        Shape: (B, F, n) -> (rows, n, D), for the first B items.
        """
        start, num_rows = self.cache.length, len(read) * self.num_copies
        self.cache.keep(num_rows)
        x = self.network.read(read).repeat_interleave(self.num_copies, dim=0)
        x = x + self.known[:num_rows, start : start + read.shape[2]]
        if read.shape[2] == 1:
            return self._steps(x[:, 0], self.cache)[:, None]
        return self.network.transformer.extend(x, self.cache)

    def logits(self, hidden: Tensor, book: int) -> Tensor:
        """Of one position of items. Shape: (rows, D) -> (B, V)."""
        if self.num_copies == 1:
            return self.network.logits(hidden, book)
        return self.network.guided_logits(hidden.unflatten(0, (-1, 2)), book, self.guidance)


class Writer:
    """Makes the tokens of several items together, as far as is asked for at a time.

    What becomes of an item depends neither on the others nor on the pieces in which it is asked for.
    """

    @torch.inference_mode()
    def __init__(self, network: CodeNetwork, items: Sequence[Item], sampling: Sampling) -> None:
        self.network, self.sampling = network, sampling
        # Falling lengths, so that those that are still at work are always the first.
        self._order = sorted(range(len(items)), key=lambda number: -items[number].layout.num_positions)
        self._items = [items[number] for number in self._order]
        self._layouts = [item.layout for item in self._items]
        self._work = StepByStep(network, self._items, sampling.guidance)
        longest = self._layouts[0]
        self._tokens = torch.full((len(items), *longest.index.shape), NOTHING)
        self._open: list[list[list[bool]]] = []  # of each item at each position: the streams in which a code is missing
        for tokens, item in zip(self._tokens, self._items, strict=True):
            is_open = item.layout.index != NOTHING
            if item.primer is not None:
                tokens[:, : item.primer.shape[2]] = item.primer[0]
                is_open &= item.primer[0] == NOTHING
            self._open.append(is_open.T.tolist())
        self._read = shifted(self._tokens, network.unknown)
        self._books = longest.book.T.tolist()
        self._log_probabilities = [0.0] * len(items)
        self._position = 0
        self._given = self._num_given()

    def _num_given(self) -> int:
        """At how many positions in the beginning nothing is left to make."""
        given = {next((n for n, streams in enumerate(rows) if any(streams)), len(rows)) for rows in self._open}
        if len(given) > 1:
            raise ValueError(f"primers of {sorted(given)} positions, expected those of one length: make them apart")
        return given.pop()

    def needed(self, end: int) -> int:
        """Coarsest frames of the coarser codes that it must be given to write ``end`` of its own."""
        return self._work.needed(max(end, self._primed))

    @property
    def _primed(self) -> int:
        """Coarsest frames that are begun in what is given: those are read in one piece, however little is asked for."""
        layout = self._layouts[0]
        frames = layout.frame[:, : self._given].amax() if self._given else torch.tensor(-1)
        levels = self.network.config.codes
        factor = levels.factors[-1] if self.network.config.kind == "flat" else levels.factors[self.network.config.level]
        return int(frames) // factor + 1

    @torch.inference_mode()
    def write(self, end: int, coarser: Sequence[Sequence[Tensor]]) -> None:
        """Make what is missing of the first ``end`` coarsest frames of each item.

        Shape: coarser of each item [(1, K_l, N_l), ...], of ``needed(end)`` coarsest frames at least, or all.
        """
        longest = self._layouts[0]
        end = min(max(end, self._primed), longest.num_coarse)
        self._work.tell([coarser[number] for number in self._order], end)
        if self._position == 0 and self._given > 1:
            self._position = self._given - 1
            self._work.extend(self._read[..., : self._position])
        last = longest.num_positions_until(end)
        for position in range(self._position, last):
            self._step(position, sum(layout.num_positions > position for layout in self._layouts))
        self._position = max(self._position, last)

    def made(self, number: int) -> Made:
        """An item's tokens so far; NOTHING where there are none yet."""
        place = self._order.index(number)
        tokens = self._tokens[place : place + 1, :, : self._layouts[place].num_positions]
        return Made(tokens, self._log_probabilities[place])

    def _step(self, position: int, num_items: int) -> None:
        hidden = self._work.extend(self._read[:num_items, :, position : position + 1])[:, 0]
        levels = self.network.config.codes
        for stream, book in enumerate(self._books[position]):
            if book == NOTHING:
                continue
            logits = self._work.logits(hidden, book)
            temperature = self.sampling.temperature if levels.books[book][0] == 0 else self.sampling.fine_temperature
            for number, code, nats in self._draw(logits, temperature, stream, position, levels.offsets[book]):
                self._tokens[number, stream, position] = code + levels.offsets[book]
                self._log_probabilities[number] += nats
        if position + 1 < self._read.shape[2]:
            self._read[:num_items, :, position + 1] = self._tokens[:num_items, :, position]

    def _draw(
        self, logits: Tensor, temperature: float, stream: int, position: int, offset: int
    ) -> Iterator[tuple[int, int, float]]:
        """The items that have no token there yet, with the code that is drawn for each, and how likely it was."""
        free = [number for number in range(len(logits)) if self._open[number][position][stream]]
        if not free:
            return
        logits = logits if len(free) == len(logits) else logits[free]
        uniforms = torch.stack([self._items[number].random.uniforms(2) for number in free])
        codes = draw(logits, self.sampling, temperature, uniforms[:, 0])
        window = self.sampling.repetition_window
        if window and position >= window:
            earlier = self._tokens[free, stream, position - window : position] - offset
            share = (earlier == codes[:, None]).double().mean(1)
            again = share >= self.sampling.repetition_share
            if bool(again.any()):
                codes[again] = draw(logits[again], Sampling(top_p=1.0), 1.0, uniforms[again, 1])
        nats = logits.log_softmax(-1).gather(-1, codes[:, None])[:, 0]
        yield from zip(free, codes.tolist(), nats.tolist(), strict=True)


def generate(
    network: CodeNetwork,
    layout: Layout,
    inputs: Inputs,
    coarser: Sequence[Tensor],
    sampling: Sampling,
    random: ItemRandom,
    primer: Tensor | None = None,
) -> Made:
    """One item's tokens; ``primer`` as in Item. Shape: coarser [(1, K_l, N_l), ...], primer (1, F, S)."""
    writer = Writer(network, [Item(layout, inputs, random, primer)], sampling)
    writer.write(layout.num_coarse, [coarser])
    return writer.made(0)
