"""The training of priors: it learns, goes on exactly, and its model loads."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from audiovq.pretrained import load_prior
from recipes.extract_voices import main as extract_voices
from recipes.schema import PriorDataConfig
from recipes.train_prior.__main__ import train
from recipes.train_prior.speech_corpus import SpeechCorpus, pack
from tests.recipes.tiny_prior import corpus, settings
from tests.recipes.tiny_run import events, last_state
from tests.same import same


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PriorDataConfig:
    return corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("kind, level", [("cascade", 0), ("cascade", 2), ("masked", 1), ("flat", 0)])
def test_a_prior_learns_and_loads(data: PriorDataConfig, tmp_path: Path, kind: str, level: int) -> None:
    assert train(settings(data, tmp_path, kind, level, total_steps=40, validate_every=20)) == 0
    bits = [event["bits_per_second"] for event in events(tmp_path, "valid")]
    assert bits[-1] < 0.8 * bits[0]
    prior, card = load_prior(tmp_path / "model")
    assert card.name == "tiny-prior" and [s.name for s in card.config.speakers] == ["s0", "s1"]
    assert card.config.tokenizer.startswith("tiny@") and prior.networks[0].config.kind == kind


def test_a_stopped_training_goes_on_exactly(data: PriorDataConfig, tmp_path: Path) -> None:
    assert train(settings(data, tmp_path / "whole", "masked", 2)) == 0
    assert train(settings(data, tmp_path / "parts", "masked", 2, time_budget_minutes=1e-9)) == 75
    assert train(settings(data, tmp_path / "parts", "masked", 2)) == 0
    whole, parts = last_state(tmp_path / "whole"), last_state(tmp_path / "parts")
    assert same(whole["networks"], parts["networks"])


def test_batches_hold_every_utterance_once_and_follow_from_seed_and_epoch(data: PriorDataConfig) -> None:
    loaded = SpeechCorpus(data)
    ids = [[u.utt_id for u in batch] for batch in loaded.batches(1, 0)]
    assert sorted(name for batch in ids for name in batch) == sorted(u.utt_id for u in loaded.train)
    assert ids == [[u.utt_id for u in batch] for batch in SpeechCorpus(data).batches(1, 0)]
    assert ids != [[u.utt_id for u in batch] for batch in loaded.batches(1, 1)]
    assert all(len(b) * max(u.seconds for u in b) <= data.batch_seconds or len(b) == 1 for b in pack(loaded.train, 1.5))


def test_what_is_random_about_an_item_does_not_depend_on_its_batch(data: PriorDataConfig) -> None:
    loaded = SpeechCorpus(data)
    together = loaded.collate(loaded.train, 1, 3)
    for row, u in enumerate(loaded.train):
        alone = loaded.collate([u], 1, 3)
        assert alone.seeds[0] == together.seeds[row]
        assert torch.equal(alone.inputs.voices[0], together.inputs.voices[row])
        assert alone.inputs.speakers[0] == together.inputs.speakers[row]


def test_an_empty_share_counts_nothing(data: PriorDataConfig) -> None:
    empty = SpeechCorpus(data).collate([], 1, 0)
    assert empty.num_valid == 0 and empty.audio_seconds == 0 and int(empty.num_coarse.sum()) == 0


def test_alignments_of_other_codes_are_refused(data: PriorDataConfig, tmp_path: Path) -> None:
    rows = pq.read_table(data.train_alignments).to_pylist()
    rows[0]["durations"][0] += 1
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "wrong.parquet")
    wrong = PriorDataConfig(**{**vars(data), "train_alignments": str(tmp_path / "wrong.parquet")})
    with pytest.raises(ValueError, match=r"u2: durations sum to 21 frames of 20"):
        SpeechCorpus(wrong)


def test_a_tokenizer_of_other_codes_is_refused(data: PriorDataConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the codes are of tiny@"):
        train(settings(data, tmp_path, tokenizer="speech-16k"))


def test_voices_of_a_table(data: PriorDataConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(Path(data.text).parent / "model")
    out = tmp_path / "voices.parquet"
    assert extract_voices([*data.tokens, "-o", str(out), "--model", model]) == 0
    table = pq.read_table(out).to_pylist()
    assert [row["utt_id"] for row in table] == [f"u{i}" for i in range(8)]
    assert {len(row["voice"]) for row in table} == {12}
    assert json.loads(Path(data.text).read_text())["symbols"][0] == "_"
    assert extract_voices([str(tmp_path), "-o", str(out), "--model", model]) == 1
    assert "no token table" in capsys.readouterr().err
