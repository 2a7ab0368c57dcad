"""The recipes of music: what they call can be composed, and egs/mini goes from clips to scores."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import recipes.schema
from tests.egs.test_corpora import run

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "egs").glob("*/music1/run.sh"))

recipes.schema.register()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parts[-3])
def test_every_command_of_a_dry_run_has_a_configuration(script: Path, tmp_path: Path) -> None:
    paths = ("--data", tmp_path / "data", "--exp", tmp_path / "exp")
    result = run(script, "--dry_run", *paths, python="/there/is/none")
    assert (result.returncode, result.stderr) == (0, "")
    commands = [shlex.split(line) for line in result.stdout.splitlines() if not line.startswith("#")]
    trained, num_levels = [], 0
    for command in commands:
        if command[1:3] == ["-m", "recipes.train_prior"]:
            with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
                config = OmegaConf.to_object(compose("train_prior", command[3:]))
            assert isinstance(config, recipes.schema.TrainPriorConfig) and config.model.reads == "music"
            assert config.output_dir.endswith(f"level{config.model.level}")
            trained.append(config.model.level)
            num_levels = config.model.codes.num_levels
    assert trained == list(range(num_levels))
    called = [c[2] for c in commands if c[1:2] == ["-m"]]
    assert called[called.index("recipes.compose") :] == [
        "recipes.compose",
        "recipes.score_music",
        "recipes.score_music",
        *["recipes.score"] * (num_levels - 1),
        "recipes.score_codes",
    ]


def test_the_help_names_every_option() -> None:
    result = run(SCRIPTS[0], "--help", python="/there/is/none")
    options = next(
        line for line in (ROOT / "egs/common/music_stages.sh").read_text().splitlines() if "options=" in line
    )
    for option in [*options.split('"')[1].split(), "dry_run"]:
        assert f"--{option}" in result.stdout


@pytest.mark.parametrize("stage, missing, made_by", [(1, "train/wav.scp", 0), (3, "tokens/train", 1)])
def test_a_missing_input_names_the_stage_that_makes_it(stage: int, missing: str, made_by: int, tmp_path: Path) -> None:
    result = run(ROOT / "egs/mini/music1/run.sh", "--stage", str(stage), "--data", tmp_path, python="/there/is/none")
    assert result.returncode == 1
    assert result.stderr == f"run.sh: {tmp_path}/{missing} is missing: stage {made_by} makes it (--stage {made_by})\n"


def test_mini_goes_from_clips_to_scores(tmp_path: Path) -> None:
    script, paths = ROOT / "egs/mini/music1/run.sh", ("--data", tmp_path / "data", "--exp", tmp_path / "exp")
    result = run(script, "--nj", "1", *paths, python=sys.executable)
    assert result.returncode == 0, result.stderr
    samples = tmp_path / "exp/samples"
    report = json.loads((samples / "report.json").read_text())
    assert [system["name"] for system in report["systems"]] == ["continued", "varied_1", "varied_2", "mended", "new"]
    assert len(report["clips"]) == 4 and (samples / "index.html").stat().st_size > 10_000
    scores = json.loads((tmp_path / "exp/scores_new/summary.json").read_text())
    assert scores["failures"] == []
    made = (samples / "made.jsonl").read_bytes()
    again = run(script, "--nj", "1", "--stage", "5", "--stop_stage", "5", *paths, python=sys.executable)
    assert again.returncode == 0 and (samples / "made.jsonl").read_bytes() == made
    played = [
        sys.executable,
        "-m",
        "audiovq.cli",
        "generate",
        "-o",
        str(tmp_path / "a.wav"),
        "--seconds",
        "1",
        "--model",
    ]
    assert subprocess.run([*played, str(tmp_path / "exp/packed")], check=False).returncode == 0
