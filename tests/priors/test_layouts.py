import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiovq.priors.layouts import NOTHING, Layout, flat_layout, level_layout
from audiovq.priors.levels import CodeLevels


@st.composite
def code_levels(draw: st.DrawFn) -> CodeLevels:
    ratios = draw(st.lists(st.integers(1, 3), min_size=0, max_size=3))
    factors = [1]
    for ratio in ratios:
        factors.append(factors[-1] * ratio)
    sizes = draw(st.lists(st.integers(2, 9), min_size=len(factors), max_size=len(factors)))
    books = draw(st.lists(st.integers(1, 3), min_size=len(factors), max_size=len(factors)))
    return CodeLevels(factors=factors, codebook_sizes=sizes, num_codebooks=books)


def random_codes(levels: CodeLevels, num_coarse: int, batch: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(num_coarse)
    return [
        torch.randint(0, size, (batch, books, num_coarse * factor), generator=generator)
        for factor, size, books in zip(levels.factors, levels.codebook_sizes, levels.num_codebooks, strict=True)
    ]


def layouts(levels: CodeLevels, num_coarse: int) -> list[Layout]:
    each = [
        level_layout(levels, level, num_coarse, delay) for level in range(levels.num_levels) for delay in (True, False)
    ]
    return [flat_layout(levels, num_coarse), *each]


@given(code_levels(), st.integers(1, 5), st.integers(1, 3))
def test_codes_come_back_from_every_layout(levels: CodeLevels, num_coarse: int, batch: int) -> None:
    codes = random_codes(levels, num_coarse, batch)
    for layout in layouts(levels, num_coarse):
        back = layout.codes(layout.tokens(codes))
        assert len(back) == len(layout.covered)
        assert all(torch.equal(part, codes[level]) for part, level in zip(back, layout.covered, strict=True))


@given(code_levels(), st.integers(1, 5))
def test_every_code_stands_exactly_once(levels: CodeLevels, num_coarse: int) -> None:
    for layout in layouts(levels, num_coarse):
        total = sum(levels.num_codebooks[level] * levels.factors[level] * num_coarse for level in layout.covered)
        assert sorted(layout.index[layout.index >= 0].tolist()) == list(range(total))


@given(code_levels(), st.integers(2, 5))
def test_a_short_item_is_the_start_of_its_padded_self(levels: CodeLevels, num_coarse: int) -> None:
    codes = random_codes(levels, num_coarse, 1)
    short = [part[..., : factor * (num_coarse - 1)] for part, factor in zip(codes, levels.factors, strict=True)]
    for whole, alone in zip(layouts(levels, num_coarse), layouts(levels, num_coarse - 1), strict=True):
        tokens = whole.tokens(codes, torch.tensor([num_coarse - 1]))
        assert torch.equal(tokens[..., : alone.num_positions], alone.tokens(short))
        assert (tokens[..., alone.num_positions :] == NOTHING).all()


@given(code_levels(), st.integers(1, 4))
def test_no_code_comes_before_one_that_it_refines(levels: CodeLevels, num_coarse: int) -> None:
    layout = flat_layout(levels, num_coarse)
    place = {(int(b), int(f)): s for s, (b, f) in enumerate(zip(layout.book[0], layout.frame[0], strict=True))}
    for (book, frame), position in place.items():
        level, k = levels.books[book]
        if k:
            assert place[book - 1, frame] < position
        elif level:
            ratio = levels.factors[level] // levels.factors[level - 1]
            assert place[levels.books.index((level - 1, 0)), frame // ratio] < position
        if frame:
            assert place[book, frame - 1] < position


def test_the_flat_order_by_hand() -> None:
    levels = CodeLevels(factors=[1, 2, 4], codebook_sizes=[10, 20, 40], num_codebooks=[1, 1, 1])
    codes = [torch.tensor([[[1, 2]]]), torch.tensor([[[3, 4, 5, 6]]]), torch.arange(10, 18)[None, None]]
    tokens = flat_layout(levels, 2).tokens(codes)[0, 0].tolist()
    assert tokens == [1, 13, 40, 41, 14, 42, 43, 2, 15, 44, 45, 16, 46, 47]


def test_the_delay_by_hand() -> None:
    levels = CodeLevels(factors=[1], codebook_sizes=[10], num_codebooks=[3])
    codes = torch.tensor([[[1, 2], [3, 4], [5, 6]]])
    tokens = level_layout(levels, 0, 2).tokens([codes])[0].tolist()
    nothing = NOTHING
    assert tokens == [[1, 2, nothing, nothing], [nothing, 13, 14, nothing], [nothing, nothing, 25, 26]]


def test_a_missing_token_is_no_code() -> None:
    layout = flat_layout(CodeLevels(), 1)
    tokens = layout.tokens(random_codes(CodeLevels(), 1, 1))
    tokens[0, 0, 3] = NOTHING
    with pytest.raises(ValueError, match="token at every place"):
        layout.codes(tokens)


def test_shapes_that_contradict_the_levels_are_named() -> None:
    codes = random_codes(CodeLevels(), 3, 1)
    codes[1] = codes[1][..., :5]
    with pytest.raises(ValueError, match=r"level 1 have shape \(1, 1, 5\), expected \(B, 1, 6\)"):
        flat_layout(CodeLevels(), 3).tokens(codes)


@pytest.mark.parametrize("factors", [[2, 4], [1, 3, 4], [1, 2]])
def test_levels_that_do_not_nest_are_refused(factors: list[int]) -> None:
    with pytest.raises(ValueError, match="factors"):
        CodeLevels(factors=factors)
