"""Drafts, and pieces made from them: lengths, what is given, going on after an interruption, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiovq import Codes, Tokenizer, load
from audiovq.music.composition import USUAL, Composer, load_composer
from audiovq.music.drafts import DraftError
from audiovq.music.joining import excess_db
from audiovq.music.unfinished import UnfinishedError
from audiovq.pretrained import ModelError
from audiovq.priors.layouts import NOTHING
from audiovq.priors.sampling import Sampling
from tests.models import tiny
from tests.recipes.tiny_music import packed

RATE, HOP = 800, 64  # of the tiny tokenizer; a window is 10 coarsest frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("music"), ("cascade", "masked", "cascade"))


@pytest.fixture(scope="module")
def composer(folder: Path) -> Composer:
    return load_composer(folder / "packed", folder / "tokenizer", "griffin-lim")


def clip(seconds: float = 1.5, seed: int = 0) -> Tensor:
    return 0.3 * torch.randn(1, int(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def test_a_new_piece_is_exactly_as_long_as_asked_for(composer: Composer) -> None:
    codes = composer.compose(composer.blank(2.003))
    assert codes.num_samples == 1602 and codes.model == composer.tokenizer.model_id
    assert composer.sound(composer.blank(0.5), ["game1"], Sampling(guidance=2.0)).shape == (1, 400)
    assert composer.labels == ["calm", "game0", "game1"]


def test_a_piece_goes_on_from_its_clip(composer: Composer) -> None:
    draft = composer.continued(clip(), 3.0, RATE)  # 1200 samples: 18 whole coarsest frames
    factors = (1, 2, 4)
    assert [int((level != NOTHING).sum(1)[0]) for level in draft.levels] == [18 * f for f in factors]
    assert (draft.num_samples, draft.levels[0].shape[1]) == (2400, 38)
    codes = composer.compose(draft)
    whole = composer.tokenizer.encode(clip(), RATE)
    for level, given, coded, f in zip(codes.levels, draft.levels, whole.levels, factors, strict=True):
        assert torch.equal(level[:, : 18 * f], given[:, : 18 * f])
        # What lies further from the end than the encoder sees is as it is coded alone.
        assert torch.equal(given[:, : 2 * f], coded[:, : 2 * f])


def test_drafts_know_where_a_clip_ends_that_they_go_on_from(composer: Composer) -> None:
    source = composer.tokenizer.encode(clip(), RATE)
    assert composer.continued(source, 3.0).num_given == 18
    assert composer.inpainted(source, 0.5, 9.0).num_given == 6  # to the end, so nothing given follows
    others = [composer.blank(1.0), composer.inpainted(source, 0.5, 0.9), composer.inpainted(source, 0, 0.9)]
    assert [draft.num_given for draft in (*others, composer.varied(source, 1))] == [0, 0, 0, 0]


def test_a_piece_goes_on_in_the_way_that_joins_its_clip_best(composer: Composer) -> None:
    draft = composer.continued(clip(), 4.0, RATE)
    sampling = replace(USUAL, candidates=6, seed=5)
    ways = list(composer._ways(draft.levels, 18, [], sampling))
    jumps = [excess_db(codes, 18, composer.tokenizer) for codes in ways]
    best = ways[jumps.index(min(jumps))]
    assert best.levels[0].shape[1] == 18 + 13 and len(set(jumps)) == 6
    made = composer.compose(draft, (), sampling)
    for level, lead in zip(made.levels, best.levels, strict=True):
        assert torch.equal(level[:, : lead.shape[1]], lead)
    assert made == composer.compose(draft, (), sampling) != composer.compose(draft, (), replace(sampling, seed=6))
    # One way is the way of any window: nothing is heard, and nothing made twice.
    once = composer.compose(draft, (), replace(sampling, candidates=1))
    (window, *_) = composer.prior.plan(draft.levels)
    (first,) = composer.prior.make(window, draft.levels, [], sampling)
    assert torch.equal(once.levels[0][:, window.start : window.end], first)


@pytest.mark.parametrize("given, seconds", [(0.1, 3.0), (1.5, 1.6)])
def test_where_too_little_is_heard_for_a_seam_the_piece_still_goes_on(
    composer: Composer, given: float, seconds: float
) -> None:
    draft = composer.continued(clip(given), seconds, RATE)
    assert composer.compose(draft, (), replace(USUAL, candidates=2)).num_samples == round(seconds * RATE)
    silent = composer.continued(torch.zeros(1, RATE), 2.0, RATE)
    assert composer.compose(silent, (), replace(USUAL, candidates=2)).num_samples == 2 * RATE


def test_an_interrupted_continuation_goes_on_from_the_same_seam(composer: Composer, tmp_path: Path) -> None:
    draft = composer.continued(clip(), 4.0, RATE)
    whole = composer.compose(draft)

    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        composer.compose(draft, folder=tmp_path / "parts", report=interrupt)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiovq.music.composition.best_join", None)
        assert composer.compose(draft, folder=tmp_path / "parts") == whole


def test_codes_and_stereo_are_taken_for_clips_too(composer: Composer) -> None:
    alone = composer.tokenizer.encode(clip(), RATE)
    draft = composer.continued(alone, 3.0)
    assert torch.equal(draft.levels[0][:, :18], alone.levels[0][:, :18])
    stereo = torch.cat([clip(), clip(seed=1)])
    assert composer.continued(stereo, 3.0, RATE).levels[0].shape == draft.levels[0].shape
    other = replace(alone, model="other@0123456789abcdef")
    with pytest.raises(ModelError, match="these codes were made by other@0123456789abcdef"):
        composer.continued(other, 3.0)


def test_a_stretch_is_made_anew_and_nothing_else(composer: Composer) -> None:
    draft = composer.inpainted(clip(), 0.5, 0.9, RATE)  # samples 400 to 720: coarsest frames 6 to 11
    missing = [(level == NOTHING).all(0).nonzero()[:, 0].tolist() for level in draft.levels]
    assert missing == [list(range(6 * f, 12 * f)) for f in (1, 2, 4)]
    codes = composer.compose(draft, (), Sampling(candidates=2))
    assert codes.num_samples == 1200
    for level, given in zip(codes.levels, draft.levels, strict=True):
        assert torch.equal(level[given != NOTHING], given[given != NOTHING])


def test_a_variation_keeps_the_coarse_codes_exactly(composer: Composer) -> None:
    source = composer.tokenizer.encode(clip(), RATE)
    first, second = (
        composer.compose(composer.varied(source, 2), (), Sampling(fine_temperature=2.0, top_p=1.0, seed=seed))
        for seed in (1, 2)
    )
    for made in (first, second):
        assert made.num_samples == source.num_samples
        assert all(map(torch.equal, made.levels[:2], source.levels[:2]))
    assert not torch.equal(first.levels[2], second.levels[2])


def test_an_interrupted_piece_goes_on_to_the_same_codes(
    composer: Composer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = composer.blank(4.0)
    whole = composer.compose(draft, ["calm"])
    num_windows = len(composer.prior.plan(draft.levels))
    calls: list[tuple[int, int]] = []
    made: list[object] = []
    make = composer.prior.make

    def spied(*given: Any) -> list[Tensor]:
        made.append(given)
        return make(*given)

    monkeypatch.setattr(composer.prior, "make", spied)

    def interrupt(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        composer.compose(draft, ["calm"], folder=tmp_path / "parts", report=interrupt)
    assert len(made) == 3
    calls.append((0, 0))
    again = composer.compose(draft, ["calm"], folder=tmp_path / "parts", report=interrupt)
    assert again == whole and len(made) == num_windows
    done, total = zip(*calls[5:], strict=True)
    assert list(done) == sorted(done) and done[0] == 0 and done[-1] == total[-1]


def test_parts_of_another_piece_are_refused(composer: Composer, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    first = composer.compose(composer.blank(1.0), folder=folder)
    blank = composer.blank(1.0)
    for draft, labels, seed in (
        (composer.blank(1.1), [], 0),
        (blank, ["calm"], 0),
        (blank, [], 3),
        (composer.continued(clip(0.5), 1.0, RATE), [], 0),
    ):
        with pytest.raises(UnfinishedError, match="--restart"):
            composer.compose(draft, labels, replace(USUAL, seed=seed), folder=folder)
    assert composer.compose(composer.blank(1.0), folder=folder) == first
    assert composer.compose(composer.blank(1.0), (), Sampling(seed=3), folder=folder, restart=True) != first


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda c: c.blank(0), "seconds is 0, expected more than 0"),
        (lambda c: c.blank(float("nan")), "seconds is nan"),
        (lambda c: c.continued(clip(), 1.5, RATE), "the clip is 1.50 s long, which leaves nothing to make of 1.5 s"),
        (lambda c: c.continued(clip(0.05), 2.0, RATE), "too short for a single coarsest frame"),
        (lambda c: c.inpainted(clip(), 1.0, 0.5, RATE), "cannot make 1 to 0.5 s anew of a clip of 1.50 s"),
        (lambda c: c.inpainted(clip(), 1.5, 2.0, RATE), "expected a stretch within it"),
        (lambda c: c.varied(clip(), 3, RATE), "cannot keep 3 of 3 levels and vary the others: expected 1 to 2"),
    ],
)
def test_what_cannot_be_made_is_refused(composer: Composer, wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DraftError, match=message):
        wrong(composer)


def test_unknown_labels_and_other_tokenizers_are_refused(composer: Composer, folder: Path) -> None:
    with pytest.raises(ModelError, match="has no label 'loud'; it has calm, game0, game1"):
        composer.compose(composer.blank(1.0), ["loud"])
    with pytest.raises(ModelError, match="name its own"):
        Composer(composer.prior, "music", Tokenizer(tiny.model("mel", "residual"), "other"))
    with pytest.raises(ModelError, match="is a part of a prior"):
        load_composer(folder / "level1/model", folder / "tokenizer", "griffin-lim")
    with pytest.raises(ModelError, match="holds a tokenizer, expected a music prior"):
        load_composer(folder / "tokenizer")
    assert isinstance(composer.compose(composer.blank(0.1)), Codes)
    assert load(folder / "tokenizer", vocoder="griffin-lim").model_id == composer.tokenizer.model_id
