"""The speed of priors: what is counted, that the rival does as much, and what the tables say."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from audiovq.priors.config import PriorConfig
from audiovq.priors.sampling import Sampling
from audiovq.priors.transformer import TransformerConfig
from audiovq.speech import load_synthesizer
from recipes.benchmark.gpt2 import Gpt2
from recipes.benchmark.prior_tables import chain_table, codes_table
from recipes.benchmark.priors import TimedPrior, prior_speed
from recipes.benchmark.sentences import Sentence, read_sentences
from tests.recipes.tiny_prior import packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("tts"))


def test_tokens_and_steps_are_those_of_what_is_spoken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesizer = load_synthesizer(folder / "packed", folder / "model")
    monkeypatch.setattr("recipes.benchmark.priors.load_synthesizer", lambda model, precision: synthesizer)
    sentences = [Sentence("one", "Abc. Cab!", "s1", "de"), Sentence("two", "aabbcc", "nobody")]
    sampling = Sampling(steps=2)
    timed = TimedPrior(folder / "packed", sentences, sampling)
    timed.measure(keep=False)
    assert timed.repeats == []
    timed.measure()
    spoken = [
        piece
        for sentence, speaker in zip(sentences, ("s1", None), strict=True)
        for piece in synthesizer.speak(sentence.text, synthesizer.voice(speaker), sampling)
    ]
    assert timed.num_tokens == [sum(piece.codes.levels[level].numel() for piece in spoken) for level in range(3)]
    # Levels 0 and 1 go position by position, level 2 is filled in: two steps a codebook of each of three pieces.
    books = synthesizer.tokenizer.num_codebooks
    positions = [sum(piece.codes.levels[level].shape[1] + books[level] - 1 for piece in spoken) for level in range(2)]
    assert timed.num_steps == [*positions, 2 * books[2] * 3]
    assert timed.audio_seconds == pytest.approx(sum(piece.codes.num_samples for piece in spoken) / 800)
    (repeat,) = timed.repeats
    assert len(repeat.first_sounds) == 2 and 0 < sum(repeat.first_sounds) < repeat.chain
    results = prior_speed([str(folder / "packed")], sentences, sampling, repeats=2, num_threads=1)
    text = codes_table(results)
    assert [row.split(" | ")[1] for row in text.splitlines()[2:]] == ["0", "1", "2", "1, 2, together", "all"]
    assert json.loads(json.dumps(results))["priors"][0]["networks"][2]["kind"] == "masked"


def test_the_rival_has_the_same_size_and_makes_as_many_tokens() -> None:
    config = PriorConfig(level=1, transformer=TransformerConfig(width=16, num_layers=2, num_heads=2, expansion=2))
    rival = Gpt2(config)
    size = rival._model.config
    assert (size.n_layer, size.n_embd, size.n_head, size.n_inner, size.vocab_size) == (2, 16, 2, 32, 2048)
    state = torch.get_rng_state()
    assert [rival.generate(number, Sampling()) for number in (1, 17)] == [1, 17]
    assert rival.generate(3, Sampling(temperature=0)) == 3
    assert torch.equal(torch.get_rng_state(), state)


def test_the_rival_foresees_a_token_twice_when_guided() -> None:
    rival = Gpt2(PriorConfig(transformer=TransformerConfig(width=16, num_layers=1, num_heads=2, expansion=2)))
    calls: list[int] = []
    rival._model.transformer.register_forward_hook(lambda *_: calls.append(1))
    for guidance, num_calls in ((1.0, 5), (1.5, 10)):
        calls.clear()
        rival.generate(5, Sampling(guidance=guidance))
        assert len(calls) == num_calls


def test_the_tables_hold_medians_and_ratios() -> None:
    def network(level: int, seconds: list[float]) -> dict[str, object]:
        return {
            "kind": "cascade",
            "levels": [level],
            "num_parameters": 1_000_000,
            "num_tokens": 100 * 2**level,
            "num_steps": 50,
            "seconds": seconds,
            "gpt2_seconds": [4.0, 4.0, 4.0],
        }

    def prior(name: str, scale: float) -> dict[str, object]:
        networks = [network(level, [scale * each for each in (1.0, 9.0, 2.0)]) for level in range(3)]
        chain = {"chain_seconds": [5.0, 6.0, 90.0], "durations_seconds": [0.1, 0.2, 0.2]}
        sounds = {"first_sound_seconds": [0.3, 0.2, 0.4], "latest_first_sound_seconds": [0.5, 0.6, 0.7]}
        return {"model": name, "audio_seconds": 10.0, "networks": networks, **chain, **sounds}

    results = {"priors": [prior("slow", 1.0), prior("fast", 0.25)]}
    rows = codes_table(results).splitlines()[2:]
    assert len(rows) == 10
    assert rows[0] == "| slow | 0 | cascade | 1.0 M | 50 | 5.0 | 5.0 | 1.00 | 25 | 2.00 |"
    assert rows[8] == "| fast | 1, 2, together | cascade | 2.0 M | 600 | 10.0 | 10.0 | 4.00 | 75 | 8.00 |"
    assert chain_table(results).splitlines()[2] == "| slow | 0.600 | 0.020 | 300 ms | 600 ms |"


def test_sentences_are_taken_evenly_in_their_languages(tmp_path: Path) -> None:
    rows = [
        {"utt_id": f"u{n}", "text": f"words {n}", "speaker": "s", "language": "en" if n % 2 else "de"}
        for n in range(12)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "table.parquet")
    found = read_sentences(tmp_path / "table.parquet", 3, ["en"])
    assert [each.name for each in found] == ["u1", "u5", "u9"] and found[0].language == "en"
    assert (
        len(read_sentences(tmp_path / "table.parquet", 0)) == len(read_sentences(tmp_path / "table.parquet", 99)) == 12
    )
    assert len(read_sentences(None, 2)) == 2
    with pytest.raises(ValueError, match="no sentence in xx"):
        read_sentences(tmp_path / "table.parquet", 0, ["xx"])
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "bare.parquet")
    with pytest.raises(ValueError, match="no column language, speaker, utt_id"):
        read_sentences(tmp_path / "bare.parquet", 0)
