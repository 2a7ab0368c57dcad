"""Pieces window by window: what is given stays, what is missing is made, and every window knows where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from audiovq.priors import autoregressive, masked, music
from audiovq.priors.autoregressive import Item, Writer
from audiovq.priors.layouts import NOTHING
from audiovq.priors.music import MusicPrior, MusicPriorConfig, Window, missing_frames
from audiovq.priors.music_condition import MusicInputs
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom, Sampling
from tests.priors.tiny import LEVELS, codes, music_config, music_inputs, music_network

KINDS = [("cascade",) * 3, ("cascade", "masked", "masked"), ("flat",)]
FREE = Sampling(temperature=2.0, fine_temperature=2.0, top_p=1.0, guidance=1.0, steps=3)
N = 17


def prior(kinds: tuple[str, ...] = KINDS[0], window_frames: int = 6) -> MusicPrior:
    torch.manual_seed(0)
    networks = [music_config(kind, level, window_frames) for level, kind in enumerate(kinds)]
    made = MusicPrior(MusicPriorConfig(labels=["a", "b", "c"], networks=networks))
    with torch.no_grad():
        for network in made.networks:
            for head in network.heads:
                head.weight.mul_(8)
    return made.eval()


def piece(seed: int = 0, num_coarse: int = N) -> list[Tensor]:
    return [level[0] for level in codes(num_coarse, seed=seed)]


def nothing(num_coarse: int = N) -> list[Tensor]:
    return [torch.full_like(level, NOTHING) for level in piece(num_coarse=num_coarse)]


def filled(made: MusicPrior, levels: list[Tensor], sampling: Sampling = FREE) -> list[Tensor]:
    levels = [level.clone() for level in levels]
    for window in made.plan(levels):
        covered = made.networks[window.network].config.covered
        for level, part in zip(covered, made.make(window, levels, [0, 2], sampling), strict=True):
            start = window.start * LEVELS.factors[level]
            levels[level][:, start : start + part.shape[1]] = part
    return levels


def test_windows_go_over_half_of_what_is_there() -> None:
    (first, *others) = prior().plan(nothing())
    assert first == Window(0, 0, 6, 6)
    assert [(w.start, w.end) for w in others if w.network == 0] == [(3, 9), (6, 12), (9, 15), (12, 17)]
    assert [w.network for w in (first, *others)] == [0] * 5 + [1] * 5 + [2] * 5


def test_windows_are_only_where_codes_are_missing() -> None:
    levels = piece()
    levels[1][1, 2 * 8 : 2 * 10] = NOTHING  # frames 8 and 9, one of the codebooks
    levels[2][0, 4 * 16] = NOTHING
    assert missing_frames(levels[1], 2).nonzero()[:, 0].tolist() == [8, 9]
    assert prior().plan(levels) == [Window(1, 5, 10, 11), Window(2, 13, 17, 17)]
    assert prior(("cascade", "masked", "masked")).plan(levels)[0] == Window(1, 5, 11, 11)
    assert prior().plan(piece()) == []
    assert prior().plan(levels, 9) == [Window(1, 5, 9, 9)]
    assert prior(("cascade", "masked", "masked")).plan(nothing(), 7)[-2:] == [Window(2, 0, 6, 6), Window(2, 3, 7, 7)]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("mode", ["new", "continue", "inpaint", "vary"])
def test_what_is_given_stays_and_the_rest_is_made(kinds: tuple[str, ...], mode: str) -> None:
    levels, empty = piece(), nothing()
    for number, (level, factor) in enumerate(zip(levels, LEVELS.factors, strict=True)):
        if mode == "new" or (mode == "vary" and number > 0):
            level[:] = NOTHING
        elif mode == "continue":
            level[:, 4 * factor :] = NOTHING
        elif mode == "inpaint":
            level[:, 5 * factor : 9 * factor] = NOTHING
    made = filled(prior(kinds), levels)
    for given, got, vacant, size in zip(levels, made, empty, LEVELS.codebook_sizes, strict=True):
        assert got.shape == vacant.shape and int(got.min()) >= 0 and int(got.max()) < size
        assert torch.equal(got[given != NOTHING], given[given != NOTHING])
    again, other = filled(prior(kinds), levels), filled(prior(kinds), levels, replace(FREE, seed=1))
    assert all(map(torch.equal, made, again))
    assert not all(map(torch.equal, made, other))


@pytest.mark.parametrize("kind", ["cascade", "masked"])
def test_given_codes_are_read_wherever_they_stand(kind: str) -> None:
    """Of a level with a delay, the codes given at the last frames stand where others are made."""
    network, given = music_network(kind, 2), codes(5)
    with torch.no_grad():
        for layer in network.transformer.layers:
            layer.output.weight.mul_(20)
    layout = network.layout(5)
    primer = [level.clone() for level in given]
    primer[2][:, :, 9:] = NOTHING
    make = masked.fill_in if kind == "masked" else autoregressive.generate

    def made(first: list[Tensor]) -> Tensor:
        greedy = replace(FREE, fine_temperature=0.0)
        tokens = make(network, layout, music_inputs(), given[:2], greedy, ItemRandom(0), layout.tokens(first)).tokens
        return layout.codes(tokens)[0]

    result = made(primer)
    assert torch.equal(result[..., :9], given[2][..., :9])
    others = []
    for code in range(11):
        changed = [level.clone() for level in primer]
        changed[2][0, 2, 8] = code
        others.append(made(changed)[..., 9:])
    assert not all(torch.equal(other, result[..., 9:]) for other in others)


def test_windows_know_their_place_and_their_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Item] = []

    def spied(network: CodeNetwork, items: Sequence[Item], sampling: Sampling) -> Writer:
        seen.extend(items)
        return Writer(network, items, sampling)

    made, levels = prior(), nothing()
    monkeypatch.setattr(music, "at_work", spied)
    filled(made, levels)
    asked = [(item.layout.num_coarse, item.inputs) for item in seen]
    told = [(i.labels.tolist(), int(i.starts), int(i.totals), n) for n, i in asked if isinstance(i, MusicInputs)]
    assert told[:5] == [([[0, 2]], start, N, length) for start, length in ((0, 6), (3, 6), (6, 6), (9, 6), (12, 5))]


def test_without_a_label_nothing_is_guided_to() -> None:
    made, levels = prior(), nothing(5)
    (window, *_) = made.plan(levels)
    plain, guided = (made.make(window, levels, [], replace(FREE, guidance=guidance)) for guidance in (1.0, 3.0))
    assert torch.equal(plain[0], guided[0])
    plain, guided = (made.make(window, levels, [1], replace(FREE, guidance=guidance)) for guidance in (1.0, 9.0))
    assert not torch.equal(plain[0], guided[0])


def test_of_several_fillings_the_one_is_taken_that_the_rest_follows_best() -> None:
    made, levels = prior(), piece()
    levels[0][:, 5:7] = NOTHING
    (window,) = made.plan(levels)
    assert window == Window(0, 2, 7, 8)
    tries = made._candidates(made.networks[0], window, levels, [1], FREE, 6)
    assert all(map(torch.equal, tries[0], made._candidates(made.networks[0], window, levels, [1], FREE, 1)[0]))
    costs = [made._misfit(made.networks[0], window, levels, [1], each) for each in tries]
    best = tries[costs.index(min(costs))]
    assert torch.equal(made.make(window, levels, [1], replace(FREE, candidates=6))[0], best[0]) and len(set(costs)) > 1
    # The cost is that of the one code after the gap, given all before it.
    network, layout = made.networks[0], made.networks[0].layout(6)
    whole = torch.cat([best[0], levels[0][:, 7:8]], dim=1)
    read = autoregressive.shifted(layout.tokens([whole[None]]), network.unknown)
    known = network.known_of_item(made._inputs(levels, window, [1]), [], layout, guided=False)
    with torch.inference_mode():
        logits = network.logits(network.transformer(network.read(read) + known)[0, -1], 0)
    assert -float(logits.log_softmax(-1)[whole[0, -1]]) == pytest.approx(min(costs), abs=1e-4)


@pytest.mark.parametrize("kinds", [("cascade",) * 3, ("flat",)])
def test_every_code_of_a_piece_is_foreseen_once(kinds: tuple[str, ...]) -> None:
    made = prior(kinds)
    with torch.no_grad():
        for network in made.networks:
            for head in network.heads:  # all codes are equally likely
                head.weight.zero_()
                head.bias.zero_()
    expected = [
        N * factor * books * math.log(size)
        for factor, books, size in zip(LEVELS.factors, LEVELS.num_codebooks, LEVELS.codebook_sizes, strict=True)
    ]
    assert made.nats(piece()) == pytest.approx(expected)


def test_what_a_piece_costs_follows_from_its_codes_and_labels() -> None:
    made = prior()
    assert made.nats(piece()) != made.nats(piece(seed=1))
    assert made.nats(piece()) != made.nats(piece(), [1])
    with pytest.raises(ValueError, match="they have no likelihood"):
        prior(KINDS[1]).nats(piece())
