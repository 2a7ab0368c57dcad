"""Codes of several rates as sequences of positions, and back.

A layout says which code stands at which place of a sequence. A place is a position and a stream: a position may hold
several codes, one in each stream, that a prior makes in one step. Everything here is index arithmetic, made once for a
number of coarsest frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from audiovq.priors.levels import CodeLevels

NOTHING = -1  # the token where no code stands


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each code of some levels stands.

    ``covered``: the levels that it lays out. ``books``: which of CodeLevels.books a place takes its code from.

    Shapes, for F streams and S positions: book, level, frame, index (F, S) int64, all NOTHING where no code stands;
    index is into the codes of the covered levels laid end to end, each level's codebooks one after the other.
    """

    levels: CodeLevels
    covered: tuple[int, ...]
    num_coarse: int
    book: Tensor
    level: Tensor
    frame: Tensor
    index: Tensor

    @property
    def num_streams(self) -> int:
        return self.index.shape[0]

    @property
    def num_positions(self) -> int:
        return self.index.shape[1]

    def to(self, device: torch.device) -> Layout:
        """The same on another device: codes and what is made of them have to lie where the layout does.

        What follows from it is worked out first, so that nobody has to wait for the device.
        """
        moved = replace(self, **{name: getattr(self, name).to(device) for name in ("book", "level", "frame", "index")})
        for name in ("_offsets", "_coarse_frame"):
            moved.__dict__[name] = getattr(self, name).to(device)
        moved.__dict__["_places"] = {
            book: (stream.to(device), position.to(device)) for book, (stream, position) in self._places.items()
        }
        return moved

    def tokens(self, codes: Sequence[Tensor], num_coarse: Tensor | None = None) -> Tensor:
        """Codes of all levels, (B, K_l, N_l) each, to tokens of the shared vocabulary.

        NOTHING stands past an item's own end, and where it stands among the codes.

        Shape: num_coarse (B,), or None for "all whole" -> (B, F, S) int64.
        """
        self.levels.num_coarse(codes)
        flat = torch.cat([codes[level].flatten(1) for level in self.covered], dim=1)
        found = flat[:, self.index.clamp(min=0)]
        return (found + self._offsets).masked_fill(~self.valid(num_coarse) | (found == NOTHING), NOTHING)

    def codes(self, tokens: Tensor) -> list[Tensor]:
        """The inverse: codes (B, K_l, N_l) of the covered levels. Raises: ValueError when a code is missing."""
        there = self.index >= 0
        found = (tokens - self._offsets)[:, there]
        if bool((tokens[:, there] < 0).any()):
            raise ValueError("expected a token at every place of the layout, got places without")
        flat = torch.empty_like(found)
        flat[:, self.index[there]] = found
        shapes = [
            (self.levels.num_codebooks[level], self.num_coarse * self.levels.factors[level]) for level in self.covered
        ]
        parts = flat.split([k * n for k, n in shapes], dim=1)
        return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]

    def codes_so_far(self, tokens: Tensor) -> list[Tensor]:
        """The same where codes are still to be made: they are 0."""
        return self.codes(torch.where(tokens == NOTHING, self._offsets, tokens))

    def num_positions_until(self, num_coarse: int) -> int:
        """How many positions, from the first on, hold all codes of the first so many coarsest frames."""
        if num_coarse >= self.num_coarse:
            return self.num_positions
        held = self.valid(torch.tensor([num_coarse]))[0].any(dim=0).nonzero()
        return int(held[-1]) + 1 if len(held) else 0

    def valid(self, num_coarse: Tensor | None = None) -> Tensor:
        """Where items have codes. Shape: num_coarse (B,), or None for one whole item -> (B, F, S) bool."""
        there = (self.index >= 0)[None]
        if num_coarse is None:
            return there
        return there & (self._coarse_frame < num_coarse[:, None, None])

    def since(self, coarse_frame: int) -> Tensor:
        """Where codes of that coarsest frame and of later ones stand. Shape: (F, S) bool."""
        return self._coarse_frame >= coarse_frame

    def places(self, book: int) -> tuple[Tensor, Tensor]:
        """The stream and the position of each code of one codebook. Shape: (N_l,) each."""
        return self._places[book]

    @cached_property
    def _offsets(self) -> Tensor:
        return torch.tensor(self.levels.offsets)[self.book.clamp(min=0)]

    @cached_property
    def _coarse_frame(self) -> Tensor:
        return self.frame // torch.tensor(self.levels.factors)[self.level.clamp(min=0)]

    @cached_property
    def _places(self) -> dict[int, tuple[Tensor, Tensor]]:
        books = [number for number, (level, _) in enumerate(self.levels.books) if level in self.covered]
        return {book: (found[0], found[1]) for book in books if (found := (self.book == book).nonzero(as_tuple=True))}


def level_layout(levels: CodeLevels, level: int, num_coarse: int, delay: bool = True) -> Layout:
    """One level alone, one position a frame and one stream a codebook.

    With ``delay`` stream k comes k positions late, so that a code is made when those of its frame that it refines are
    known already; without, all codes of a frame stand together.

    Source: Copet et al. 2023, Simple and Controllable Music Generation, section 2.2 (delay pattern).
    """
    books = [number for number, (at, _) in enumerate(levels.books) if at == level]
    num_frames = num_coarse * levels.factors[level]
    late = torch.arange(len(books))[:, None] * int(delay)
    frame = torch.arange(num_frames + (len(books) - 1) * int(delay))[None, :] - late
    there = (frame >= 0) & (frame < num_frames)
    book = torch.tensor(books)[:, None].expand_as(frame)
    index = frame + torch.arange(len(books))[:, None] * num_frames
    return _layout(levels, (level,), num_coarse, there, book, frame, index)


def flat_layout(levels: CodeLevels, num_coarse: int) -> Layout:
    """All levels in one stream: each coarsest frame followed by the finer frames beneath it, each by its own.

    With rates of 1, 2 and 4 the levels come as 0 1 2 2 1 2 2; a frame's codebooks stand one after the other.

    Source: the order in which Orpheus-TTS (2025) speaks the codes of SNAC.
    """
    starts, total = [], 0
    for factor, num in zip(levels.factors, levels.num_codebooks, strict=True):
        starts.append(total)
        total += factor * num * num_coarse
    first_book = [levels.books.index((level, 0)) for level in range(levels.num_levels)]

    def walk(level: int, frame: int) -> Iterator[tuple[int, int, int]]:
        for k in range(levels.num_codebooks[level]):
            num_frames = num_coarse * levels.factors[level]
            yield first_book[level] + k, frame, starts[level] + k * num_frames + frame
        if level + 1 < levels.num_levels:
            ratio = levels.factors[level + 1] // levels.factors[level]
            for child in range(frame * ratio, (frame + 1) * ratio):
                yield from walk(level + 1, child)

    places = torch.tensor([place for frame in range(num_coarse) for place in walk(0, frame)]).reshape(-1, 3)
    book, frame, index = places.T[:, None]
    there = torch.ones_like(book, dtype=torch.bool)
    return _layout(levels, tuple(range(levels.num_levels)), num_coarse, there, book, frame, index)


def _layout(
    levels: CodeLevels,
    covered: tuple[int, ...],
    num_coarse: int,
    there: Tensor,
    book: Tensor,
    frame: Tensor,
    index: Tensor,
) -> Layout:
    level = torch.tensor([at for at, _ in levels.books])[book]
    book, level, frame, index = (part.masked_fill(~there, NOTHING) for part in (book, level, frame, index))
    return Layout(levels, covered, num_coarse, book, level, frame, index)
