"""The recipes of text to speech: what they call can be composed, and egs/mini goes from clips to scores."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import recipes.align.config
import recipes.generate.run
import recipes.prepare_tts.__main__
import recipes.schema
from tests.egs.test_corpora import run

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "egs").glob("*/tts1*/run.sh"))
HYDRA = ("recipes.prepare_tts", "recipes.align", "recipes.train_prior", "recipes.generate")

recipes.align.config.register()
recipes.generate.run.register()
recipes.schema.register()


def commands(script: Path, *arguments: str | Path) -> list[list[str]]:
    result = run(script, "--dry_run", *arguments, python="/there/is/none")
    assert (result.returncode, result.stderr) == (0, "")
    return [shlex.split(line) for line in result.stdout.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_every_command_of_a_dry_run_has_a_configuration(script: Path, tmp_path: Path) -> None:
    called = []
    for command in commands(script, "--data", tmp_path / "data", "--exp", tmp_path / "exp"):
        if command[1:2] == ["-m"] and command[2] in HYDRA:
            _, _, module, *settings = command
            called.append(module)
            with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
                config = compose(module.removeprefix("recipes."), settings)
            OmegaConf.to_object(config)
            if module == "recipes.train_prior" and config.part == "codes":
                assert config.output_dir.endswith(f"level{config.model.level}")
    assert called == [*HYDRA[:2], *[HYDRA[2]] * 4, HYDRA[3]]


def test_the_help_names_every_option() -> None:
    result = run(SCRIPTS[0], "--help", python="/there/is/none")
    options = next(line for line in (ROOT / "egs/common/tts_stages.sh").read_text().splitlines() if "options=" in line)
    for option in [*options.split('"')[1].split(), "dry_run"]:
        assert f"--{option}" in result.stdout


@pytest.mark.parametrize(
    "stage, missing, made_by",
    [(1, "train/wav.scp", 0), (3, "tts1/symbols_train.parquet", 2), (5, "tts1/alignments_train.parquet", 3)],
)
def test_a_missing_input_names_the_stage_that_makes_it(stage: int, missing: str, made_by: int, tmp_path: Path) -> None:
    result = run(ROOT / "egs/mini/tts1/run.sh", "--stage", str(stage), "--data", tmp_path, python="/there/is/none")
    assert result.returncode == 1
    assert result.stderr == f"run.sh: {tmp_path}/{missing} is missing: stage {made_by} makes it (--stage {made_by})\n"


def test_mini_goes_from_clips_to_scores(tmp_path: Path) -> None:
    script, paths = ROOT / "egs/mini/tts1/run.sh", ("--data", tmp_path / "data", "--exp", tmp_path / "exp")
    result = run(script, "--nj", "1", *paths, python=sys.executable)
    assert result.returncode == 0, result.stderr
    summary = json.loads((tmp_path / "exp/scores/summary.json").read_text())
    (speaker,) = summary["speakers"].values()
    assert speaker["num_sentences"] == 1 and speaker["cer_spoken"] is None
    assert len(list((tmp_path / "exp/scores/sounds").iterdir())) == 1
    assert speaker["bits_per_second"]["mean"] > 0 and speaker["recorded_bits_per_second"]["mean"] > 0
    codes = json.loads((tmp_path / "exp/scores_codes/summary.json").read_text())
    assert codes["generated"]["length_ratio"]["mean"] == pytest.approx(speaker["length_ratio"]["mean"], rel=1e-3)
    again = run(script, "--nj", "1", "--stage", "7", *paths, python=sys.executable)
    assert "1 sentences, 1 of them scored before" in again.stdout
    spoken = [sys.executable, "-m", "audiovq.cli", "speak", "We ship.", "-o", str(tmp_path / "a.wav"), "--model"]
    assert subprocess.run([*spoken, str(tmp_path / "exp/packed")], check=False).returncode == 0
