"""Likelihoods of codes under trained priors: those of the last validation, and of other codes by their name."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiovq import load
from recipes.train_prior.__main__ import train
from recipes.train_prior.likelihood import main
from tests.recipes import tiny_music, tiny_prior
from tests.recipes.tiny_run import events


def test_bits_of_speech_are_those_of_the_training_and_add_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_prior.corpus(tmp_path)
    runs = [tmp_path / f"level{level}" for level in range(2)]
    for level, run in enumerate(runs):
        assert train(tiny_prior.settings(data, run, level=level)) == 0
    out = tmp_path / "bits.json"
    assert main([*map(str, runs), "--out", str(out)]) == 0
    rows = json.loads(out.read_text())
    for run, row in zip(runs, rows, strict=True):
        assert row["bits_per_second"] == pytest.approx(events(run, "valid")[-1]["bits_per_second"], rel=1e-3)
    tokenizer = load(tmp_path / "model")
    for row, rate, size in zip(rows, tokenizer.frame_rates, tokenizer.codebook_sizes, strict=False):
        assert row["uncoded_bits_per_second"] == pytest.approx(float(rate) * math.log2(size))
    together = sum(row["bits_per_second"] for row in rows)
    assert f"| together |  |  | {together:.1f} |" in capsys.readouterr().out
    # Of one utterance alone it is that of one utterance.
    one = pq.read_table(data.valid_alignments).to_pylist()[:1]
    pq.write_table(pa.Table.from_pylist(one), tmp_path / "one.parquet")
    assert main([str(runs[0]), "--alignments", str(tmp_path / "one.parquet"), "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())
    assert row["data"] == str(tmp_path / "one.parquet") and row["bits_per_second"] != rows[0]["bits_per_second"]


def test_bits_of_music_are_those_of_the_tables_that_are_named(tmp_path: Path) -> None:
    data, run, out = tiny_music.corpus(tmp_path), tmp_path / "run", tmp_path / "bits.json"
    assert train(tiny_music.settings(data, run)) == 0
    assert main([str(run), "--out", str(out)]) == 0
    (held_out,) = json.loads(out.read_text())
    assert held_out["bits_per_second"] == pytest.approx(events(run, "valid")[-1]["bits_per_second"], rel=1e-3)
    assert main([str(run), "--tokens", *data.tokens, "--out", str(out)]) == 0
    (learnt,) = json.loads(out.read_text())
    assert learnt["data"] == data.tokens[0] and learnt["bits_per_second"] != held_out["bits_per_second"]


def test_what_makes_no_codes_has_no_likelihood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_prior.corpus(tmp_path)
    assert train(tiny_prior.settings(data, tmp_path / "run", part="durations")) == 0
    assert main([str(tmp_path / "run")]) == 2
    assert "run forecasts durations: only networks that make codes" in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
