"""Codes of a tiny model, scored: a generator that plays back its training codes is told from one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import audiovq
from audiovq.codes import Codes
from audiovq.models import VQVAE, LevelConfig, VQVAEConfig
from audiovq.pretrained import save_model
from audiovq.quantize import QuantizerConfig
from audiovq.tokens import Layout
from audiovq.tokens.layout import Entry
from audiovq.tokens.writer import arrow_tables, write_table
from recipes.score_codes.__main__ import main
from recipes.score_codes.reading import cut_to, halves, open_codes


@pytest.fixture
def tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> audiovq.tokenizer.Tokenizer:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    levels = [LevelConfig(quantizer=QuantizerConfig(codebook_size=16)) for _ in range(2)]
    save_model(Path("model"), VQVAE(VQVAEConfig(width=16, levels=levels, level_strides=[2])), "tiny", "CC0-1.0")
    return audiovq.load("model", vocoder="griffin-lim")


def make(tokenizer: audiovq.tokenizer.Tokenizer, seed: int, frames: int = 40) -> Codes:
    random = torch.Generator().manual_seed(seed)
    hops = tokenizer.hop_lengths
    levels = [torch.randint(0, 16, (1, frames * hops[0] // hop), generator=random) for hop in hops]
    return Codes(tuple(levels), 16_000, frames * hops[0], hops, (16, 16), tokenizer.model_id)


def folder(name: str, codes: dict[str, Codes]) -> str:
    for item, each in codes.items():
        path = Path(name, f"{item}.avq")
        path.parent.mkdir(parents=True, exist_ok=True)
        each.save(path)
    return name


def table(name: str, codes: dict[str, Codes]) -> str:
    first = next(iter(codes.values()))
    layout = Layout(first.model, first.sample_rate, first.hop_lengths, first.codebook_sizes, first.num_codebooks)
    rows = [
        Entry(item, each.num_samples, 1, 0, tuple(level[0].numpy().astype("uint8") for level in each.levels))
        for item, each in sorted(codes.items())
    ]
    write_table(Path(name), layout, arrow_tables(iter(rows), layout))
    return name


def score(generated: str, *arguments: str) -> dict[str, Any]:
    window = ["--window-seconds", "0.8"]
    assert main([generated, "--training", "train", "-o", "out", "--model", "model", *window, *arguments]) == 0
    summary: dict[str, Any] = json.loads(Path("out/summary.json").read_text())
    return summary


def test_what_is_played_back_stands_out_beside_real_codes(tokenizer: audiovq.tokenizer.Tokenizer) -> None:
    training = {f"t{number}": make(tokenizer, number) for number in range(4)}
    table("train", training)
    folder("test", {f"deep/r{number}": make(tokenizer, 10 + number) for number in range(3)})
    played = {f"g{number}": training[f"t{number}"] for number in range(3)}
    summary = score(folder("made", played), "--real", "test", "--no-sound")
    second = 40 / float(tokenizer.frame_rates[0])
    made, real = summary["generated"]["levels"], summary["real"]["levels"]
    for level in (0, 1):
        assert made[level]["longest_common_run_seconds"] == pytest.approx(second)
        assert real[level]["longest_common_run_seconds"] < second / 4
        assert real[level]["frechet_distance"] > 0 and made[level]["entropy_bits"] > 3
    assert made[0]["nearest_window_of_all"] == 0 and real[0]["nearest_window_of_all"] > 0.5
    assert summary["generated"]["length_ratio"] is None and summary["generated"]["silence_ratio"] is None
    text = Path("out/RESULTS.md").read_text()
    assert "| level 0: longest run also in training, s | " in text
    assert "| score | generated | real, held out | the other half of training | random codes |" in text
    assert "python -m recipes.score_codes made --training train" in text


def test_stuck_and_short_codes_show_by_their_repetition_and_length(tokenizer: audiovq.tokenizer.Tokenizer) -> None:
    folder("train", {"t": make(tokenizer, 1)})
    real = {"a": make(tokenizer, 2), "b": make(tokenizer, 3)}
    folder("test", real)
    stuck = make(tokenizer, 2, frames=20)
    stuck = Codes(
        tuple(torch.zeros_like(level) for level in stuck.levels),
        *(stuck.sample_rate, stuck.num_samples, stuck.hop_lengths, stuck.codebook_sizes, stuck.model),
    )
    summary = score(folder("made", {"a": stuck, "c": stuck}), "--real", "test")
    made = summary["generated"]
    assert made["length_ratio"]["mean"] == pytest.approx(0.5) and made["length_ratio"]["count"] == 1
    assert made["levels"][0]["repetition"]["mean"] == pytest.approx(1 - 1 / 17)
    assert made["levels"][0]["longest_hold_seconds"]["mean"] == pytest.approx(20 / float(tokenizer.frame_rates[0]))
    assert made["levels"][0]["entropy_bits"] == 0
    assert summary["real"]["levels"][0]["repetition"]["mean"] < 0.1
    assert 0 <= made["silence_ratio"]["mean"] <= 1
    assert [item["name"] for item in summary["items"]["generated"]] == ["a", "c"]


def test_real_codes_are_cut_to_the_length_of_the_generated_ones(tokenizer: audiovq.tokenizer.Tokenizer) -> None:
    long = make(tokenizer, 3, frames=90)
    cut = cut_to({"a": long, "b": make(tokenizer, 4, frames=20)}, 30 / float(tokenizer.frame_rates[0]), seed=2)
    assert [codes.levels[0].shape[1] for codes in cut.values()] == [30, 20]
    (start,) = (at for at in range(61) if torch.equal(long.levels[0][:, at : at + 30], cut["a"].levels[0]))
    assert start > 0 and torch.equal(long.levels[1][:, 2 * start : 2 * (start + 30)], cut["a"].levels[1])
    folder("train", {"t": make(tokenizer, 1)})
    folder("test", {"r": long})
    summary = score(folder("made", {"g": make(tokenizer, 5, frames=30)}), "--real", "test", "--no-sound")
    assert summary["real"]["mean_seconds"]["mean"] == summary["generated"]["mean_seconds"]["mean"]


def test_codes_of_several_places_are_held_against_those_of_their_names(tokenizer: audiovq.tokenizer.Tokenizer) -> None:
    everything = {f"u{number}": make(tokenizer, number, frames=20 + number) for number in range(6)}
    table("one", {name: everything[name] for name in ("u0", "u1", "u2")})
    table("two", {name: everything[name] for name in ("u3", "u4", "u5")})
    Path("train.txt").write_text("u0 first\nu3\n")
    pq.write_table(pa.table({"utt_id": ["u2", "u4", "u5"]}), "test.parquet")
    folder("made", {name: make(tokenizer, 50, frames=10) for name in ("u2", "u4")})
    arguments = ["--training", "one", "two", "--training-list", "train.txt", "-o", "out", "--model", "model"]
    arguments += ["--real", "one", "two", "--real-list", "test.parquet", "--no-sound"]
    assert main(["made", *arguments]) == 0
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["num_training"] == 2 and [item["name"] for item in summary["items"]["real"]] == ["u2", "u4"]
    assert [item["seconds"] for item in summary["items"]["real"]] == [
        everything[name].duration_seconds for name in ("u2", "u4")
    ]
    assert summary["generated"]["length_ratio"]["mean"] == pytest.approx((10 / 22 + 10 / 24) / 2)
    for level in (0, 1):  # random codes are as random as those of this test, and of the same lengths
        assert summary["noise"]["levels"][level]["entropy_bits"] > 3
    assert summary["noise"]["mean_seconds"] == summary["generated"]["mean_seconds"]


def test_halves_of_training_are_alike_and_one_code_over_and_over_is_not(
    tokenizer: audiovq.tokenizer.Tokenizer,
) -> None:
    table("train", {f"t{number}": make(tokenizer, number, frames=80) for number in range(12)})
    first, other = halves(open_codes([Path("train")]), 0)
    assert len(first) == len(other) == 6 and not set(first) & set(other)
    stuck = make(tokenizer, 50, frames=80)
    stuck = replace(stuck, levels=tuple(torch.zeros_like(level) for level in stuck.levels))
    summary = score(folder("made", {f"s{number}": stuck for number in range(6)}), "--no-sound")
    for level in (0, 1):
        distances = {
            name: summary[name]["levels"][level]["frechet_distance"] for name in ("generated", "training", "noise")
        }
        assert max(distances["training"], distances["noise"]) < distances["generated"] / 2
    assert min(summary["num_windows"]) > 10


def test_mistakes_are_one_line(tokenizer: audiovq.tokenizer.Tokenizer, capsys: pytest.CaptureFixture[str]) -> None:
    folder("train", {"t": make(tokenizer, 1)})
    assert main(["nothing", "--training", "train", "-o", "out"]) == 2
    assert "nothing: expected a token table, or a folder with .avq files" in capsys.readouterr().err
    other = make(tokenizer, 1)
    other = Codes(other.levels, 16_000, other.num_samples, other.hop_lengths, (16, 16), "other@1")
    folder("made", {"x": other})
    assert main(["made", "--training", "train", "-o", "out", "--model", "model"]) == 2
    assert "generated x is by other@1" in capsys.readouterr().err
    assert not Path("out").exists()
