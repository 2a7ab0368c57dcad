"""The ablation table against numbers laid down by hand, and that what is done is not done again."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from recipes import ablation


def lay_down(
    folder: Path, distances: list[float], usage: float, steps: int = 1000, metrics: Sequence[str] = ablation.METRICS
) -> None:
    """What a run of one codebook a level leaves behind."""
    scores = [
        {
            "levels": levels,
            "bits_per_second": 125 * levels,
            "scores": {name: {"mean": distance} for name in metrics},
        }
        for levels, distance in enumerate(distances, start=1)
    ]
    books = [
        {"level": level, "codebook": 0, "usage": usage, "entropy_bits": 8 * usage} for level in range(len(distances))
    ]
    (folder / "scores").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "scores" / "summary.json").write_text(json.dumps({"prefixes": scores, "codebooks": books}))
    (folder / "model" / "config.json").write_text(json.dumps({"num_parameters": 2_700_000}))
    settings = {"total_steps": steps, "data": {"train_cuts": "cuts.jsonl", "batch_seconds": 32.0}}
    (folder / "config.json").write_text(json.dumps(settings))


def test_a_table_shows_means_and_deviations_over_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, distance in ((1, 0.4), (2, 0.6)):
        lay_down(tmp_path / "fsq" / str(seed), [1.0, distance], 0.5)
    lay_down(tmp_path / "residual" / "1", [1.0, 0.3], 0.25)
    monkeypatch.setattr(subprocess, "run", Mock(return_value=Mock(returncode=0)))
    arguments = [str(tmp_path), "--data", "data", "--variants", "fsq", "residual", "--seeds", "1"]
    assert ablation.main(arguments) == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.strip() in capsys.readouterr().out
    first, second, books = text.split("\n\n")[:3]
    assert first.splitlines()[0].startswith("| all levels | seeds | parameters | bits per second |")
    assert "| fsq | 2 | 2.70 M | 250 | 0.500 (0.141) |" in first
    assert "| residual (as SNAC) | 1 | 2.70 M | 250 | 0.300 |" in first
    assert "| fsq | 2 | 2.70 M | 125 | 1.000 (0.000) |" in second
    assert "| fsq | 50 (0) | 50 (0) | 4.00 (0.00) | 4.00 (0.00) |" in books
    assert text.endswith("All were trained alike: 1000 steps of 32 s on cuts.jsonl.\n")


def test_runs_that_were_not_trained_alike_are_told_apart(tmp_path: Path) -> None:
    lay_down(tmp_path / "fsq" / "1", [0.4], 0.5)
    lay_down(tmp_path / "residual" / "1", [0.3], 0.5, steps=2000)
    text = ablation.markdown({name: [ablation.Run.load(tmp_path / name / "1")] for name in ("fsq", "residual")})
    assert text.endswith(
        "Not all were trained alike:\n\n- fsq: 1000 steps of 32 s on cuts.jsonl\n"
        "- residual: 2000 steps of 32 s on cuts.jsonl\n"
    )


def test_structures_are_stored_as_means_and_deviations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, distance in ((1, 0.4), (2, 0.6)):
        lay_down(tmp_path / "residual" / str(seed), [1.0, distance], 0.5)
    lay_down(tmp_path / "fsq" / "1", [1.0, 0.3], 0.25)  # no structure of a codec
    monkeypatch.setattr(subprocess, "run", Mock(return_value=Mock(returncode=0)))
    path = tmp_path / "structures.json"
    arguments = [str(tmp_path), "--data", "data", "--structures", "--seeds", "1", "2", "--store", str(path)]
    assert ablation.main(arguments) == 0
    found = json.loads(path.read_text())
    assert found["command"].endswith(f"--store {path}") and found["terms"] == "1000 steps of 32 s on cuts.jsonl"
    (row,) = found["structures"]
    assert (row["name"], row["num_seeds"], row["num_parameters"]) == ("residual (as SNAC)", 2, 2_700_000)
    assert [prefix["bits_per_second"] for prefix in row["prefixes"]] == [125, 250]
    assert row["prefixes"][1]["scores"]["stoi"] == pytest.approx({"mean": 0.5, "deviation": 0.02**0.5})
    lay_down(tmp_path / "independent" / "1", [1.0, 0.3], 0.25, steps=2000)
    with pytest.raises(ValueError, match="were not trained alike: 1000 steps"):
        ablation.main(arguments)


def test_one_option_trains_the_structures_of_rivals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []

    def run(command: list[str], **_: Any) -> Mock:
        trained.extend(word.removeprefix("ablation=") for word in command if word.startswith("ablation="))
        return Mock(returncode=1)

    lay_down(tmp_path / "fsq" / "1", [0.4], 0.5)
    monkeypatch.setattr(subprocess, "run", run)
    assert ablation.main([str(tmp_path), "--data", "d", "--structures", "--seeds", "1"]) == 1
    assert trained == ["conditional", "residual", "independent", "single_rate"]


def test_when_all_variants_fail_that_is_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Mock(return_value=Mock(returncode=1)))
    assert ablation.main([str(tmp_path), "--data", "d", "--variants", "wave_front", "--seeds", "2"]) == 1
    expected = "No variant was trained to its end.\n\n- wave_front, seed 2, ended with 1: its log says why\n"
    assert (tmp_path / "RESULTS.md").read_text() == expected


def test_structures_of_music_are_trained_and_scored_as_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Mock:
        calls.append(command[2:])
        return Mock(returncode=0)

    lay_down(tmp_path / "fsq" / "1", [0.4], 0.5)  # of speech, which has no place in these tables
    for variant in ("conditional", "residual", "single_rate"):
        scored = ("decoder_log_mel_l1", "mel_distance", "visqol_audio", "chroma_correlation")
        lay_down(tmp_path / "music" / variant / "1", [1.0, 0.5], 0.5, metrics=scored)
    monkeypatch.setattr(subprocess, "run", run)
    path = tmp_path / "structures.json"
    music = [str(tmp_path), "--data", "d", "--experiment", "debian_music_ablation", "--seeds", "1"]
    assert ablation.main([*music, "--structures", "--store", str(path)]) == 0
    trained = [call[2].removeprefix("ablation=") for call in calls if call[0] == "recipes.train_tokenizer"]
    assert trained == ["music/conditional", "music/residual", "music/single_rate"]
    assert calls[0][1] == "experiment=debian_music_ablation"
    assert "metrics=[mel_distance,visqol_audio,chroma_correlation]" in calls[1]
    text = (tmp_path / "RESULTS.md").read_text()
    assert "ViSQOL-audio" in text.splitlines()[0] and "STOI" not in text and "fsq" not in text
    assert "| music/residual (as SNAC) | 1 | 2.70 M | 250 | 0.500 | 0.500 | 0.500 | 0.500 |" in text
    stored = json.loads(path.read_text())
    assert stored["metrics"] == list(scored)
    names = [f"music/{name}" for name in ("conditional (ours)", "residual (as SNAC)", "single_rate (as EnCodec)")]
    assert [row["name"] for row in stored["structures"]] == names
    with pytest.raises(SystemExit):
        ablation.main([*music, "--variants", "fsq"])
    assert "no variants of debian_music_ablation: fsq" in capsys.readouterr().err


def test_variants_of_fewer_levels_stand_where_they_have_something_to_say(tmp_path: Path) -> None:
    lay_down(tmp_path / "conditional" / "1", [1.0, 0.5], 0.5)
    lay_down(tmp_path / "single" / "1", [0.75], 0.25)
    text = ablation.markdown({name: [ablation.Run.load(tmp_path / name / "1")] for name in ("conditional", "single")})
    everything, coarse, books = text.split("\n\n")[:3]
    assert "| conditional (ours) | 1 | 2.70 M | 250 | 0.500 |" in everything
    assert "| single | 1 | 2.70 M | 125 | 0.750 |" in everything
    assert coarse.startswith("| level 0 |")
    assert "| conditional (ours) | 1 | 2.70 M | 125 | 1.000 |" in coarse
    assert "single" not in coarse
    assert "| conditional | 50 | 50 | 4.00 | 4.00 |" in books
    assert "| single | 25 | - | 2.00 | - |" in books


def test_a_variant_that_fails_is_named_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path / "fsq" / "1", [1.0, 0.5], 0.5)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: Mock(returncode=int("ablation=residual" in command)))
    assert ablation.main([str(tmp_path), "--data", "d", "--variants", "residual", "fsq", "--seeds", "1"]) == 1
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| fsq | 1 | 2.70 M | 250 | 0.500 |" in text
    assert text.endswith("- residual, seed 1, ended with 1: its log says why\n")


def test_each_variant_is_trained_and_then_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Mock:
        calls.append(command[2:])
        return Mock(returncode=75 if "ablation=residual" in command else 0)

    monkeypatch.setattr(subprocess, "run", run)
    arguments = [str(tmp_path), "--data", "d", "--variants", "fsq", "residual", "--seeds", "7", "--", "num_threads=1"]
    assert ablation.main(arguments) == 75
    assert [call[0] for call in calls] == ["recipes.train_tokenizer", "recipes.evaluate", "recipes.train_tokenizer"]
    assert {"ablation=fsq", "seed=7", f"output_dir={tmp_path}/fsq/7", "num_threads=1"} <= set(calls[0])
    assert {f"model={tmp_path}/fsq/7/model", f"output_dir={tmp_path}/fsq/7/scores"} <= set(calls[1])


def variants_of(experiment: str) -> list[tuple[str, str]]:
    folder = ablation.EXPERIMENTS[experiment].folder
    return [(experiment, f"{folder}{path.stem}") for path in sorted((ablation.VARIANTS / folder).glob("*.yaml"))]


@pytest.mark.parametrize("experiment, variant", [each for name in ablation.EXPERIMENTS for each in variants_of(name)])
def test_variants_have_equal_bits_and_parameters(experiment: str, variant: str) -> None:
    from tests.recipes.test_train_tokenizer import composed

    base, other = (
        composed(f"experiment={experiment}", f"ablation={name}")
        for name in (f"{ablation.EXPERIMENTS[experiment].folder}conditional", variant)
    )
    sizes = [ablation_size(config.model) for config in (base, other)]
    assert sizes[1][0] == pytest.approx(sizes[0][0], rel=0.02)
    assert sizes[1][1] == pytest.approx(sizes[0][1], rel=0.01)


def ablation_size(config: Any) -> tuple[int, float]:
    """Parameters, and bits per second."""
    from audiovq.models import VQVAE
    from audiovq.units import bits_per_second

    rate = bits_per_second(config.sample_rate, config.hop_lengths, config.num_codebooks, config.codebook_sizes)
    return sum(parameter.numel() for parameter in VQVAE(config).parameters()), rate
