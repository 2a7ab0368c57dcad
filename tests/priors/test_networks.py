"""What is foreseen step by step is what is foreseen at once; padding and neighbours change nothing."""

import pytest
import torch
from torch import Tensor

from audiovq.nn.mask import FrameMask
from audiovq.priors.autoregressive import Item, StepByStep, Writer, generate, shifted
from audiovq.priors.condition import TextInputs
from audiovq.priors.masked import fill_in, hide, masked_share
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom, Sampling
from audiovq.priors.scoring import foreseen
from tests.priors.tiny import LEVELS, codes, inputs, network

CAUSAL = [("cascade", 0), ("cascade", 1), ("cascade", 2), ("flat", 0)]
ALL = [*CAUSAL, ("masked", 0), ("masked", 2)]
N = 5


def all_hidden(made: CodeNetwork, given: list[Tensor]) -> Tensor:
    layout = made.layout(N)
    mask = FrameMask(torch.ones(1, N, dtype=torch.bool))
    known = made.known(inputs(N), given[: made.config.level], layout, mask)
    read = shifted(layout.tokens(given), made.unknown)
    return made.transformer(made.read(read) + known)


def begun(made: CodeNetwork, guidance: float = 1.0, hidden: bool = False) -> StepByStep:
    text = inputs(N)
    text.dropped = torch.tensor([True]) if hidden else None
    return StepByStep(made, [Item(made.layout(N), text, ItemRandom(0))], guidance)


@pytest.mark.parametrize("kind, level", CAUSAL)
@pytest.mark.parametrize("pieces", [[1] * 99, [3, *[1] * 99], [2, 5, 1, 4, *[1] * 99]])
@torch.inference_mode()
def test_cached_steps_foresee_what_one_pass_does(kind: str, level: int, pieces: list[int]) -> None:
    made, given = network(kind, level), codes(N)
    layout = made.layout(N)
    read = shifted(layout.tokens(given), made.unknown)
    work = begun(made)
    work.tell([given[: made.config.level]], N)
    rows, start = [], 0
    for size in pieces:
        end = min(start + size, layout.num_positions)
        if start < end:
            rows.append(work.extend(read[..., start:end]))
        start = end
    whole, stepped = all_hidden(made, given), torch.cat(rows, dim=1)
    for book in made.made:
        torch.testing.assert_close(made.logits(stepped, book), made.logits(whole, book), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind, level", CAUSAL)
@torch.inference_mode()
def test_no_position_sees_its_own_code_or_later_ones(kind: str, level: int) -> None:
    made, given = network(kind, level), codes(N)
    layout = made.layout(N)
    before = all_hidden(made, given)
    place = layout.num_positions // 2
    tokens = layout.tokens(given)
    stream = int((layout.index[:, place] >= 0).nonzero()[0])
    tokens[0, stream, place] += 1 if tokens[0, stream, place] % 2 == 0 else -1
    changed = list(given)
    for number, part in zip(layout.covered, layout.codes(tokens), strict=True):
        changed[number] = part
    after = all_hidden(made, changed)
    torch.testing.assert_close(after[:, : place + 1], before[:, : place + 1])
    assert place + 1 == layout.num_positions or not torch.allclose(after[:, place + 1], before[:, place + 1])


def joined(first: TextInputs, second: TextInputs) -> TextInputs:
    """Two items as a batch."""
    return TextInputs(
        *(torch.cat([getattr(first, name), getattr(second, name)]) for name in ("symbols", "num_symbols", "durations")),
        *(torch.cat([getattr(first, name), getattr(second, name)]) for name in ("speakers", "languages", "voices")),
    )


@pytest.mark.parametrize("kind, level", ALL)
@torch.inference_mode()
def test_a_batch_scores_as_its_items_do(kind: str, level: int) -> None:
    made, long, short = network(kind, level), codes(N), codes(N - 2, seed=1)
    padded = [torch.nn.functional.pad(part, (0, 2 * f)) for part, f in zip(short, LEVELS.factors, strict=True)]
    both = [torch.cat(pair) for pair in zip(long, padded, strict=True)]
    text = joined(inputs(N), inputs(N - 2, seed=1))
    top = max(made.config.covered) + 1
    batch = foreseen(made, text, both[:top], torch.tensor([N, N - 2]), torch.tensor([3, 4]))
    first = foreseen(made, inputs(N), long[:top], torch.tensor([N]), torch.tensor([3]))
    second = foreseen(made, inputs(N - 2, seed=1), short[:top], torch.tensor([N - 2]), torch.tensor([4]))
    for book in made.made:
        if kind != "masked":  # whose items are asked for other codes when they are padded
            torch.testing.assert_close(batch[book][0], first[book][0] + second[book][0])
            assert batch[book][1] == first[book][1] + second[book][1]
        else:
            assert 0 <= batch[book][1] <= (2 * N - 2) * LEVELS.factors[level]


@pytest.mark.parametrize("kind, level", CAUSAL)
@torch.inference_mode()
def test_what_is_made_is_as_likely_as_the_score_says(kind: str, level: int) -> None:
    made, given = network(kind, level), codes(N)
    layout, text = made.layout(N), inputs(N)
    result = generate(made, layout, text, given[: made.config.level], Sampling(guidance=1.0), ItemRandom(1))
    found = list(given)
    for number, part in zip(layout.covered, layout.codes(result.tokens), strict=True):
        found[number] = part
    top = max(made.config.covered) + 1
    scores = foreseen(made, text, found[:top], torch.tensor([N]), torch.tensor([0]))
    assert -sum(float(nats) for nats, _ in scores.values()) == pytest.approx(result.log_probability, abs=1e-3)


@pytest.mark.parametrize("kind, level", CAUSAL)
@pytest.mark.parametrize("primed", [1, 2, 7])
@torch.inference_mode()
def test_a_primer_is_kept_and_gone_on_from(kind: str, level: int, primed: int) -> None:
    made, given = network(kind, level), codes(N)
    layout, coarser = made.layout(N), given[: made.config.level]
    plain = generate(made, layout, inputs(N), coarser, Sampling(temperature=0, fine_temperature=0), ItemRandom(1))
    primer = plain.tokens.clone()
    primer[..., primed:] = -1
    again = generate(
        made, layout, inputs(N), coarser, Sampling(temperature=0, fine_temperature=0), ItemRandom(2), primer
    )
    assert torch.equal(again.tokens, plain.tokens)


@pytest.mark.parametrize("kind, level", ALL)
def test_the_same_seed_makes_the_same_codes(kind: str, level: int) -> None:
    made, given = network(kind, level), codes(N)
    make = fill_in if kind == "masked" else generate
    layout, coarser = made.layout(N), given[: made.config.level]

    def tokens(seed: int, guidance: float = 1.0) -> Tensor:
        settings = Sampling(temperature=2.0, fine_temperature=2.0, top_p=1.0, guidance=guidance, steps=3)
        return make(made, layout, inputs(N), coarser, settings, ItemRandom(seed)).tokens

    assert torch.equal(tokens(1), tokens(1))
    assert not torch.equal(tokens(1), tokens(2))
    assert not torch.equal(tokens(1), tokens(1, guidance=4.0))
    layout.codes(tokens(1))  # every place is filled


@torch.inference_mode()
def test_guidance_goes_beyond_the_condition() -> None:
    made = network("cascade", 0)
    one, two = begun(made), begun(made, guidance=3.0)
    begin = torch.full((1, 1, 1), made.unknown)
    plain, pair = one.extend(begin)[:, 0], two.extend(begin)[:, 0]
    torch.testing.assert_close(pair[0], plain[0])
    alone = begun(made, hidden=True).extend(begin)[:, 0]
    torch.testing.assert_close(pair[1], alone[0])
    expected = made.logits(alone[0], 0) + 3 * (made.logits(plain[0], 0) - made.logits(alone[0], 0))
    torch.testing.assert_close(two.logits(pair, 0)[0], expected)


FREE = Sampling(temperature=1.5, fine_temperature=1.5, top_p=1.0, guidance=2.0, repetition_window=2)


def items(made: CodeNetwork, lengths: list[int], primed: int = 0) -> list[Item]:
    """One of each number of coarsest frames, the first ``primed`` of which are given."""
    found = []
    for number, length in enumerate(lengths):
        layout = made.layout(length)
        primer = layout.tokens(codes(length, seed=number), torch.tensor([primed])) if primed else None
        found.append(Item(layout, inputs(length, seed=number), ItemRandom(7, number), primer))
    return found


@pytest.mark.parametrize("kind, level", CAUSAL)
@pytest.mark.parametrize("primed", [0, 2])
def test_items_are_made_together_as_if_alone(kind: str, level: int, primed: int) -> None:
    made, lengths = network(kind, level), [4, 9, 6, 9]
    given = [codes(length, seed=number)[: made.config.level] for number, length in enumerate(lengths)]
    together = Writer(made, items(made, lengths, primed), FREE)
    together.write(9, given)
    for number, (item, coarser) in enumerate(zip(items(made, lengths, primed), given, strict=True)):
        alone = Writer(made, [item], FREE)
        alone.write(item.layout.num_coarse, [coarser])
        assert torch.equal(alone.made(0).tokens, together.made(number).tokens)
        assert alone.made(0).log_probability == together.made(number).log_probability
        levels = item.layout.codes(alone.made(0).tokens)
        for at, part in zip(item.layout.covered, levels, strict=True):
            kept = primed * LEVELS.factors[at]
            assert torch.equal(part[..., :kept], codes(item.layout.num_coarse, seed=number)[at][..., :kept])


@pytest.mark.parametrize("kind, level", CAUSAL)
@pytest.mark.parametrize("primed", [0, 2])
@pytest.mark.parametrize("ends", [[1, 2, 3, 13], [5, 5, 13], [2, 12, 13], [13]])
def test_what_is_made_does_not_depend_on_the_pieces(kind: str, level: int, primed: int, ends: list[int]) -> None:
    made = network(kind, level)
    (item,), coarser = items(made, [13], primed), codes(13)[: made.config.level]
    whole = Writer(made, [item], FREE)
    whole.write(13, [coarser])
    (item,) = items(made, [13], primed)
    pieces = Writer(made, [item], FREE)
    for end in ends:
        known = min(13, pieces.needed(end))
        # What is not needed yet is not read: anything may stand there.
        later = [
            torch.where(torch.arange(level.shape[2]) < known * f, level, 0)
            for level, f in zip(coarser, (1, 2), strict=False)
        ]
        pieces.write(end, [later])
        done = item.layout.valid(torch.tensor([end]))
        assert (pieces.made(0).tokens[done] >= 0).all()
    assert torch.equal(pieces.made(0).tokens, whole.made(0).tokens)


def test_primers_of_several_lengths_are_refused() -> None:
    made = network("cascade", 0)
    with pytest.raises(ValueError, match=r"primers of \[0, 2\] positions"):
        Writer(made, [*items(made, [4], primed=2), *items(made, [5])], FREE)


@pytest.mark.parametrize("kind, level", ALL)
def test_every_part_learns(kind: str, level: int) -> None:
    made, given = network(kind, level).train(), codes(N, batch=2)
    text = joined(inputs(N), inputs(N, seed=1))
    text.speakers = torch.tensor([-1, 1])
    text.dropped = torch.tensor([False, False])
    sums = foreseen(made, text, given[: max(made.config.covered) + 1], torch.tensor([N, N]), torch.tensor([1, 2]))
    sum(nats for nats, _ in sums.values()).backward()  # type: ignore[union-attr]
    still = {name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert still <= {"condition.hidden", *(f"heads.{k}.{part}" for k in range(3) for part in ("weight", "bias"))}


def test_hiding_hides_what_refines_the_hidden() -> None:
    tokens = torch.arange(24).view(1, 3, 8)
    tokens[..., 6:] = -1
    for seed in range(30):
        read, asked = hide(tokens, 99, torch.tensor([seed]))
        (stream,) = asked[0].any(1).nonzero()[:, 0].tolist() or [None]
        assert (read[..., 6:] == -1).all() and not asked[..., 6:].any()
        if stream is None:
            continue
        assert torch.equal(read[0, stream, :6] == 99, asked[0, stream, :6])
        assert (read[0, stream + 1 :, :6] == 99).all()
        assert torch.equal(read[0, :stream], tokens[0, :stream])


def test_the_share_that_is_masked_falls_from_all_to_none() -> None:
    assert masked_share(0) == 1 and masked_share(1) == pytest.approx(0) and masked_share(2 / 3) == pytest.approx(0.5)


def test_codes_begin_as_the_tokenizer_sees_them() -> None:
    made = network("cascade", 1)
    tables = [torch.randn(size, 6) * 30 for size in (5, 7, 7, 11, 11, 11)]
    tables[0][3] = tables[0][1]
    with torch.no_grad():
        made.codes.weight.zero_()
    made.start_from_latents(tables)
    begun = made.codes.weight[:5].detach()
    assert torch.allclose(begun[3], begun[1], atol=1e-5)
    assert float(begun.square().mean()) == pytest.approx(1 / 16)
    assert (made.codes.weight[made.unknown] == 0).all()
