"""The training of music priors: it learns from random stretches of pieces, goes on exactly, and its model loads."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audiovq.music.composition import USUAL, load_composer
from audiovq.pretrained import load_music_prior
from audiovq.tokens import TokenTable
from recipes.pack_prior import main as pack_prior
from recipes.schema import PriorDataConfig
from recipes.train_prior.__main__ import train
from recipes.train_prior.music_corpus import MusicCorpus, Stretch
from tests.recipes.tiny_music import corpus, settings
from tests.recipes.tiny_run import events, last_state
from tests.same import same


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PriorDataConfig:
    return corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("kind, level", [("cascade", 0), ("cascade", 2), ("masked", 2), ("flat", 0)])
def test_a_prior_learns_and_loads(data: PriorDataConfig, tmp_path: Path, kind: str, level: int) -> None:
    assert train(settings(data, tmp_path, kind, level, total_steps=30, validate_every=15)) == 0
    terms = [event["loss"] for event in events(tmp_path, "train")]
    assert sum(terms[-5:]) < 0.9 * sum(terms[:5])
    prior, card = load_music_prior(tmp_path / "model")
    assert (card.name, card.config.labels) == ("tiny-music", ["calm", "game0", "game1"])
    assert card.config.tokenizer.startswith("tiny@")
    form = prior.networks[0].config
    assert (form.kind, form.music.num_labels, form.music.window_frames) == (kind, 3, 10)


def test_a_stopped_training_goes_on_exactly(data: PriorDataConfig, tmp_path: Path) -> None:
    assert train(settings(data, tmp_path / "whole", "masked", 2)) == 0
    assert train(settings(data, tmp_path / "parts", "masked", 2, time_budget_minutes=1e-9)) == 75
    assert train(settings(data, tmp_path / "parts", "masked", 2)) == 0
    assert same(last_state(tmp_path / "whole")["networks"], last_state(tmp_path / "parts")["networks"])


def test_a_batch_holds_the_codes_of_its_stretches(data: PriorDataConfig) -> None:
    loaded = MusicCorpus(data, 3)
    batch = loaded.batches(1, 0)[0]
    made = loaded.collate(batch, 1, 0)
    for row, stretch in enumerate(batch):
        table, _, utt_id = stretch.piece.name.partition("/")
        codes = TokenTable(data.tokens[int(table)])[utt_id].levels
        assert int(made.num_coarse[row]) == stretch.length
        for got, level, factor in zip(made.codes, codes, loaded.levels.factors, strict=True):
            assert got.shape[-1] == 10 * factor
            wanted = level[:, stretch.start * factor : (stretch.start + stretch.length) * factor]
            assert torch.equal(got[row, :, : stretch.length * factor], wanted)
    assert len(MusicCorpus(data, 1).collate(batch, 1, 0).codes) == 1


def test_an_epoch_visits_pieces_by_their_length_and_follows_from_its_number(data: PriorDataConfig) -> None:
    loaded = MusicCorpus(data, 1)
    visits = [stretch for epoch in range(60) for batch in loaded.batches(1, epoch) for stretch in batch]
    for piece in loaded.train:
        own = [stretch for stretch in visits if stretch.piece == piece]
        assert len(own) / 60 == pytest.approx(max(1.0, piece.num_coarse / 10), abs=0.2)
        assert all(s.start >= 0 and s.start + s.length <= piece.num_coarse and s.length == 10 for s in own)
        assert {0, piece.num_coarse - 10} <= {s.start for s in own}
    assert loaded.batches(1, 0) == MusicCorpus(data, 1).batches(1, 0) != loaded.batches(1, 1)
    held_out = [stretch for batch in loaded.valid_batches() for stretch in batch]
    assert [(s.start, s.length) for s in held_out] == [(0, 6), (0, 10)]


def test_a_share_is_learnt_from_short_windows(data: PriorDataConfig) -> None:
    short = 3 * data.window_seconds / 10
    loaded = MusicCorpus(replace(data, short_share=0.5, short_seconds=short), 2)
    batches = [batch for epoch in range(60) for batch in loaded.batches(1, epoch)]
    assert {stretch.window for batch in batches for stretch in batch} == {3, 10}
    assert all(len({stretch.window for stretch in batch}) == 1 for batch in batches)
    assert {b[0].window: len(b) for b in sorted(batches, key=len)} == {3: 13, 10: 4}  # alike in seconds
    frames = {window: sum(len(b) * window for b in batches if b[0].window == window) for window in (3, 10)}
    assert frames[3] / frames[10] == pytest.approx(0.9, abs=0.15)  # three short ones for a long one
    batch = next(batch for batch in batches if batch[0].window == 3)
    assert [codes.shape[-1] for codes in loaded.collate(batch, 1, 0).codes] == [
        3 * f for f in loaded.levels.factors[:2]
    ]
    assert {stretch.window for batch in loaded.valid_batches() for stretch in batch} == {10}
    with pytest.raises(ValueError, match=r"data\.short_seconds is 9\.0, expected above 0, up to window_seconds, "):
        replace(data, short_share=0.5, short_seconds=9.0)


def test_what_is_random_about_a_stretch_does_not_depend_on_its_batch(data: PriorDataConfig) -> None:
    loaded = MusicCorpus(data, 1)
    batch = loaded.batches(1, 3)[0]
    together = loaded.collate(batch, 1, 3).inputs
    for row, stretch in enumerate(batch):
        alone = loaded.collate([stretch], 1, 3).inputs
        for name in ("labels", "starts", "totals", "dropped"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[row])


def test_ends_of_pieces_are_told_exactly_and_other_times_roughly(data: PriorDataConfig) -> None:
    loaded = MusicCorpus(replace(data, time_jitter=0.3), 1)
    piece = loaded.train[-1]
    for number in range(20):
        first, last = (
            loaded.collate([Stretch(piece, start, 10, 10, number)], 1, 0).inputs for start in (0, piece.num_coarse - 10)
        )
        assert int(first.starts) == 0 and int(last.totals - last.starts) == 10
        assert 0.7 * piece.num_coarse < int(first.totals) < 1.4 * piece.num_coarse
    exact = loaded.collate([Stretch(piece, 7, 10, 10, 0)], 1, None).inputs
    assert (int(exact.starts), int(exact.totals), bool(exact.dropped)) == (7, piece.num_coarse, False)
    assert [loaded.labels[label] for label in exact.labels[0] if label >= 0] == ["game1"]


def tempos(data: PriorDataConfig, folder: Path, tempo: str = "96 bpm") -> PriorDataConfig:
    """The corpus with tempos and keys: 120 bpm and C major for the calm pieces, ``tempo`` and A minor for others."""
    rows = [json.loads(line) for line in Path(data.labels).read_text().splitlines()]
    for row in rows:
        row["labels"]["pace"], row["labels"]["key"] = (
            ("120 bpm", "C major") if "style" in row["labels"] else (tempo, "A minor")
        )
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return replace(data, labels=str(folder / "labels.jsonl"), label_fields=["style", "pace", "key"], beat_field="pace")


def test_labels_of_the_beat_field_set_the_clock(data: PriorDataConfig, tmp_path: Path) -> None:
    clocked = tempos(data, tmp_path)
    loaded = MusicCorpus(replace(clocked, time_jitter=0.5), 1)
    assert loaded.labels == ["120 bpm", "96 bpm", "A minor", "C major", "calm"]
    assert loaded.beat_frames == [6.25, 60 / 96 * 12.5, 0.0, 0.0, 0.0]  # a coarsest frame lasts 80 ms
    assert MusicCorpus(data, 1).beat_frames == []
    batch = loaded.batches(1, 3)[0]
    inputs = loaded.collate(batch, 1, 3).inputs
    assert inputs.true_starts is not None
    assert inputs.true_starts.tolist() == [stretch.start for stretch in batch] != inputs.starts.tolist()


def test_a_prior_learns_with_a_clock_and_draws_a_tempo_and_a_key(data: PriorDataConfig, tmp_path: Path) -> None:
    clocked = tempos(data, tmp_path)
    parts = [tmp_path / f"level{level}" for level in range(3)]
    for level, part in enumerate(parts):
        config = replace(
            settings(clocked, part, "cascade", level), tokenizer=str(Path(data.labels).parent / "tokenizer")
        )
        assert train(config) == 0
    assert pack_prior([*map(str, parts), "-o", str(tmp_path / "packed")]) == 0
    composer = load_composer(tmp_path / "packed", Path(data.labels).parent / "tokenizer", "griffin-lim")
    assert composer.prior.tempos == [0, 1]
    draft = composer.blank(1.0)
    seeds = [replace(USUAL, seed=seed) for seed in range(12)]
    drawn = [composer.told(draft, ["calm"], sampling.seed) for sampling in seeds]
    pairs = itertools.product(("120 bpm", "96 bpm"), ("A minor", "C major"))
    assert {tuple(labels) for labels in drawn} == {("calm", *pair) for pair in pairs}
    assert composer.compose(draft, ["calm"], seeds[0]) == composer.compose(draft, drawn[0], seeds[0])
    for named in (["96 bpm", "C major"], ["A minor", "calm", "120 bpm"]):
        assert composer.told(draft, named, 0) == named
    assert [composer.told(draft, ["C major"], seed)[0] for seed in range(3)] == 3 * ["C major"]
    assert {len(composer.told(draft, [label], 0)) for label in ("C major", "96 bpm")} == {2}
    going_on = composer.continued(composer.compose(draft, [], seeds[0]), 2.0)
    assert composer.told(going_on, ["calm"], 0) == ["calm"]


@pytest.mark.parametrize(
    "tempo, field, message",
    [
        ("fast", "pace", "'fast' is no tempo: labels of data.beat_field are such as '88 bpm'"),
        ("0 bpm", "pace", "'0 bpm' is no tempo"),
        ("96 bpm", "tempo", "data.beat_field is tempo, which no label is of"),
    ],
)
def test_what_is_no_tempo_sets_no_clock(
    data: PriorDataConfig, tmp_path: Path, tempo: str, field: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        MusicCorpus(replace(tempos(data, tmp_path, tempo), beat_field=field), 1)


def test_nothing_random_depends_on_where_the_data_lie(data: PriorDataConfig, tmp_path: Path) -> None:
    here, there = (MusicCorpus(each, 1) for each in (data, corpus(tmp_path)))
    batches = [each.batches(1, 0)[0] for each in (here, there)]
    first, second = (each.collate(batch, 1, 0) for each, batch in zip((here, there), batches, strict=True))
    assert torch.equal(first.seeds, second.seeds)


def test_an_empty_share_counts_nothing(data: PriorDataConfig) -> None:
    empty = MusicCorpus(data, 1).collate([], 1, 0)
    assert (empty.num_valid, empty.audio_seconds, int(empty.num_coarse.sum())) == (0, 0, 0)


def test_what_is_missing_is_named(data: PriorDataConfig) -> None:
    with pytest.raises(ValueError, match=r"data\.valid_tokens is not set"):
        MusicCorpus(replace(data, valid_tokens=[]), 1)
    with pytest.raises(FileNotFoundError, match="none does not exist"):
        MusicCorpus(replace(data, labels="none"), 1)
