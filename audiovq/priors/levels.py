"""What the codes that a prior models look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from torch import Tensor


@dataclass(kw_only=True)
class CodeLevels:
    """One entry a level, coarse first. factors: frames of the level beneath one coarsest frame, so factors[0] is 1."""

    factors: list[int] = field(default_factory=lambda: [1, 2, 4])
    codebook_sizes: list[int] = field(default_factory=lambda: [1024, 2048, 8192])
    num_codebooks: list[int] = field(default_factory=lambda: [1, 1, 1])

    def __post_init__(self) -> None:
        lengths = {len(self.factors), len(self.codebook_sizes), len(self.num_codebooks)}
        if len(lengths) > 1 or not self.factors:
            raise ValueError(f"expected as many factors as codebook_sizes and num_codebooks, got {self}")
        nested = all(fine % coarse == 0 for coarse, fine in zip(self.factors, self.factors[1:], strict=False))
        if self.factors[0] != 1 or not nested:
            raise ValueError(f"factors are {self.factors}, expected 1 and then multiples of the one before")

    @classmethod
    def of(cls, hop_lengths: Sequence[int], codebook_sizes: Sequence[int], num_codebooks: Sequence[int]) -> CodeLevels:
        """Those of a tokenizer or of a table of its codes."""
        return cls(
            factors=[hop_lengths[0] // hop for hop in hop_lengths],
            codebook_sizes=list(codebook_sizes),
            num_codebooks=list(num_codebooks),
        )

    @property
    def num_levels(self) -> int:
        return len(self.factors)

    @property
    def books(self) -> list[tuple[int, int]]:
        """Every codebook as (level, place in the level), coarse first."""
        return [(level, k) for level, num in enumerate(self.num_codebooks) for k in range(num)]

    @property
    def offsets(self) -> list[int]:
        """Of each of ``books``: the token that its code 0 is, when all codebooks share one vocabulary."""
        sizes = [self.codebook_sizes[level] for level, _ in self.books]
        return list(accumulate(sizes, initial=0))[:-1]

    def vocabulary_size(self, num_levels: int | None = None) -> int:
        """Tokens of the coarsest levels, or of all."""
        sizes = [v * k for v, k in zip(self.codebook_sizes, self.num_codebooks, strict=True)]
        return sum(sizes[:num_levels])

    def num_coarse(self, codes: Sequence[Tensor]) -> int:
        """Coarsest frames of codes (B, K_l, N_l). Raises: ValueError when their shapes contradict these levels."""
        num = codes[0].shape[-1]
        for level, (each, factor, books) in enumerate(zip(codes, self.factors, self.num_codebooks, strict=False)):
            if each.shape[-2:] != (books, num * factor):
                raise ValueError(
                    f"codes of level {level} have shape {tuple(each.shape)}, expected (B, {books}, {num * factor})"
                )
        return num
