"""What every run.sh does with its options, and the whole of egs/mini."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import audiovq

ROOT = Path(__file__).parents[2]
RUN = sorted((ROOT / "egs").glob("*/*/run.sh"))
MINI = ROOT / "egs/mini/codec1/run.sh"


def run(script: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    command = [str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_shell_is_clean() -> None:
    scripts = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "egs").rglob("*.sh"))]
    assert len(scripts) > len(RUN)
    result = subprocess.run(
        ["shellcheck", "-x", "--source-path=.", *scripts], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout == ""


@pytest.mark.parametrize("script", RUN, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--stge", "2"], "run.sh: unknown option --stge (try --help)"),
        (["--stage"], "run.sh: option --stage needs a value"),
        (["--stage=x"], "run.sh: --stage must be a whole number, got 'x'"),
        (["--ngpu=-1"], "run.sh: --ngpu must be a whole number, got '-1'"),
        (
            ["total_steps=9"],
            "run.sh: unexpected argument total_steps=9 (settings for the training go after --; try --help)",
        ),
    ],
)
def test_wrong_options_are_errors(script: Path, arguments: list[str], message: str) -> None:
    result = run(script, *arguments)
    assert (result.returncode, result.stderr, result.stdout) == (1, message + "\n", "")


@pytest.mark.parametrize("script", RUN, ids=lambda path: path.parts[-3])
def test_help_names_every_option(script: Path) -> None:
    text = run(script, "--help").stdout
    for option in ("--stage", "--stop_stage", "--nj", "--ngpu", "--data", "--exp"):
        assert option in text


@pytest.mark.parametrize("script", RUN, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize(
    "stage, missing, made_by",
    [(2, "data/test/wav.scp", 1), (3, "data/test/wav.scp", 1), (4, "data/cuts_train.jsonl.gz", 3)],
)
def test_a_missing_input_names_the_stage_that_makes_it(
    script: Path, stage: int, missing: str, made_by: int, tmp_path: Path
) -> None:
    result = run(script, "--stage", str(stage), "--stop-stage", str(stage), "--data", tmp_path / "data")
    assert result.returncode == 1
    assert result.stderr == f"run.sh: {tmp_path}/{missing} is missing: stage {made_by} makes it (--stage {made_by})\n"


def test_mini_takes_two_fronts_only() -> None:
    assert run(MINI, "--frontend", "mfcc").stderr == "run.sh: --frontend must be mel or wave, got 'mfcc'\n"


@pytest.fixture(scope="module")
def mini_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("mini") / "data"
    result = run(MINI, "--stop_stage", "3", "--data", data, "--nj", "1")
    assert result.returncode == 0, result.stderr
    assert [line.split(" stage ")[1] for line in result.stdout.splitlines() if " stage " in line] == [
        "1: convert, split, write data directories",
        "2: validate",
        "3: write cuts",
    ]
    return data


@pytest.mark.parametrize("frontend", ["mel", "wave"])
def test_mini_goes_from_clips_to_a_packed_model(frontend: str, mini_data: Path, tmp_path: Path) -> None:
    paths = ("--data", mini_data, "--exp", tmp_path)
    settings = ("total_steps=8", "quantizer_start_step=4", "validate_every=8", "checkpoint_every=8")
    result = run(MINI, "--stage", "4", "--frontend", frontend, "--nj", "1", *paths, "--", *settings)
    assert result.returncode == 0, result.stderr
    assert audiovq.load(tmp_path / "model").num_levels == 3
