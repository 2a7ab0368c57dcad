"""What every run.sh does with its options, and the whole of egs/mini."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import audiovq
from audiovq.pretrained import read_vocoder_card
from audiovq.train.run_log import RunLog

ROOT = Path(__file__).parents[2]
RUN = sorted((ROOT / "egs").glob("*/codec1/run.sh"))
VOCODERS = sorted((ROOT / "egs").glob("*/voc1/run.sh"))
VOCODER = ROOT / "egs/debian_speech/voc1/run.sh"
MINI = ROOT / "egs/mini/codec1/run.sh"
MINI_VOCODER = ROOT / "egs/mini/voc1/run.sh"
# What is common to all is tested with the one that has an option more and one that downloads.
COMMON = [MINI, ROOT / "egs/debian_speech/codec1/run.sh"]


def run(script: Path, *arguments: str | Path, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": str(python), "OMP_NUM_THREADS": "1"}
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


@pytest.mark.parametrize("script", COMMON, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--stge", "2"], "run.sh: unknown option --stge (try --help)"),
        (["--stage"], "run.sh: option --stage needs a value"),
        (["--stage=x"], "run.sh: --stage must be a whole number, got 'x'"),
        (["--dry_run=yes"], "run.sh: option --dry_run takes no value"),
        (["--ngpu=-1"], "run.sh: --ngpu must be a whole number, got '-1'"),
        (["--time-budget-minutes=1h"], "run.sh: --time_budget_minutes must be a whole number, got '1h'"),
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
    result = run(script, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    for option in (
        *("--stage", "--stop_stage", "--nj", "--ngpu", "--time_budget_minutes", "--data", "--exp", "--corpus_root"),
        *("--sample_rate", "--prepare_settings", "--dry_run", "--download"),
    ):
        assert option in result.stdout


@pytest.mark.parametrize("script", COMMON, ids=lambda path: path.parts[-3])
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


class Training:
    """Stage 4 and 5 of a run.sh with a stand-in for Python, which notes what it is called with and then does `act`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "test").mkdir()
        (folder / "model").mkdir()
        for name in ("cuts_train.jsonl.gz", "cuts_valid.jsonl.gz", "test/wav.scp"):
            (folder / name).touch()

    def options(self, act: str, *arguments: str) -> list[str | Path]:
        (self.folder / "python").write_text(f'#!/usr/bin/env bash\necho "$*" >>{self.folder}/calls\n{act}\n')
        (self.folder / "python").chmod(0o755)
        return ["--stage", "4", "--stop_stage", "5", "--data", self.folder, "--exp", self.folder, *arguments]

    def run(self, script: Path, act: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(script, *self.options(act, *arguments), python=self.folder / "python")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


GOES_ON = "run.sh: the training stopped before its end: the same command goes on\n"


@pytest.mark.parametrize("script", COMMON, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize(
    "num_gpus, launcher, device",
    [
        (0, "", "cpu"),
        (1, "", "cuda"),
        (4, "-m torch.distributed.run --standalone --nproc-per-node 4 ", "cuda"),
    ],
)
def test_every_gpu_gets_a_process(script: Path, num_gpus: int, launcher: str, device: str, training: Training) -> None:
    options = ("--ngpu", str(num_gpus), "--time-budget-minutes", "90", "--", "total_steps=9", "device=auto")
    assert training.run(script, "exit 0", *options).returncode == 0
    command, *_ = training.calls
    assert command.startswith(f"{launcher}-m recipes.train_tokenizer device={device} time_budget_minutes=90 ")
    assert command.endswith(" total_steps=9 device=auto")  # what is given by hand comes last, and wins


@pytest.mark.parametrize("script", COMMON, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("act, code, message", [("exit 75", 75, GOES_ON), ("exit 3", 3, "")])
def test_what_the_training_leaves_undone_ends_the_script(
    script: Path, act: str, code: int, message: str, training: Training
) -> None:
    result = training.run(script, act)
    assert (result.returncode, result.stderr) == (code, message)
    assert len(training.calls) == 1


@pytest.mark.parametrize("written, code, message", [("stop", 75, GOES_ON), ("begin", 1, "")])
def test_of_several_processes_the_log_tells_that_they_stopped(
    written: str, code: int, message: str, training: Training
) -> None:
    log, addition = training.folder / "log.jsonl", training.folder / "addition"
    events = RunLog(training.folder)
    events.event("stop", 1, {"reason": "an earlier one"})
    events.event(written, 2, {})
    events.close()
    earlier, later = log.read_text().splitlines(keepends=True)
    log.write_text(earlier)
    addition.write_text(later)
    act = f"cat {addition} >>{log}; exit 1"
    result = training.run(MINI, act, "--ngpu", "2")
    assert (result.returncode, result.stderr) == (code, message)


def test_the_vocoder_is_trained_scored_and_packed(training: Training) -> None:
    options: list[str | Path] = ["--data", training.folder, "--exp", training.folder, "--", "total_steps=9"]
    shown = run(VOCODER, "--dry_run", *options)
    assert (shown.returncode, shown.stderr) == (0, "")
    training.options("touch $(dirname $0)/scores/summary.json")
    (training.folder / "scores").mkdir()
    result = run(VOCODER, *options, python=training.folder / "python")
    assert (result.returncode, result.stderr) == (0, "")
    recipes = [call.split()[1] for call in training.calls]
    assert recipes == ["recipes.train_vocoder", "recipes.evaluate_vocoder", "recipes.pack"]
    assert training.calls[0].endswith(" total_steps=9")
    said = [shlex.split(line)[1:] for line in shown.stdout.splitlines() if not line.startswith("#")]
    assert said == [call.split() for call in training.calls]


@pytest.mark.parametrize("script", VOCODERS, ids=lambda path: path.parts[-3])
def test_a_vocoder_says_where_its_data_come_from(script: Path, tmp_path: Path) -> None:
    result = run(script, "--stage", "1", "--data", tmp_path)
    assert result.returncode == 1
    assert result.stderr == f"run.sh: {tmp_path}/cuts_train.jsonl.gz is missing: stage 0 makes it (--stage 0)\n"
    shown = run(script, "--stage", "0", "--stop_stage", "0", "--dry_run", "--data", tmp_path)
    data_recipe = script.relative_to(ROOT).parents[1] / "codec1/run.sh"
    assert shown.stdout.splitlines()[1] == f"{data_recipe} --stop_stage 3 --data {tmp_path} --nj 2"


@pytest.mark.parametrize("script", VOCODERS, ids=lambda path: path.parts[-3])
def test_the_help_of_a_vocoder_names_every_option(script: Path) -> None:
    result = run(script, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    options = next(line for line in (ROOT / "egs/common/voc_stages.sh").read_text().splitlines() if "options=" in line)
    for option in [*options.split('"')[1].split(), "dry_run"]:
        assert f"--{option}" in result.stdout


@pytest.mark.parametrize("number, whom", [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)])
def test_a_script_that_is_asked_to_stop_waits_for_the_training(
    number: signal.Signals, whom: Callable[[int, int], None], training: Training
) -> None:
    act = f"trap 'sleep 0.2; exit 75' TERM INT; touch {training.folder}/ready; while :; do sleep 0.05; done"
    command = [str(MINI), *map(str, training.options(act))]
    environment = {**os.environ, "PYTHON": str(training.folder / "python")}
    with subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as script:
        while not (training.folder / "ready").exists():
            assert script.poll() is None
            time.sleep(0.01)
        whom(script.pid, number)
        assert script.communicate()[1] == GOES_ON
        assert script.returncode == 75


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


def test_mini_goes_from_clips_to_a_packed_vocoder(mini_data: Path, tmp_path: Path) -> None:
    paths = ("--data", mini_data, "--exp", tmp_path)
    settings = ("total_steps=4", "adversarial.start_step=2", "adversarial.lead_steps=1", "validate_every=4")
    result = run(MINI_VOCODER, "--stage", "1", "--nj", "1", *paths, "--", *settings, "data.valid_seconds=5")
    assert result.returncode == 0, result.stderr
    assert read_vocoder_card(tmp_path / "packed").name == "mini-vocoder"
    readme = (tmp_path / "packed/README.md").read_text()
    assert "| true log-mels | griffin-lim |" in readme and "| speech-16k | griffin-lim |" in readme


@pytest.mark.parametrize("frontend", ["mel", "wave"])
def test_mini_goes_from_clips_to_a_packed_model(frontend: str, mini_data: Path, tmp_path: Path) -> None:
    paths = ("--data", mini_data, "--exp", tmp_path)
    settings = ("total_steps=8", "quantizer_start_step=4", "validate_every=8", "checkpoint_every=8")
    result = run(MINI, "--stage", "4", "--frontend", frontend, "--nj", "1", *paths, "--", *settings)
    assert result.returncode == 0, result.stderr
    assert audiovq.load(tmp_path / "model").num_levels == 3


def test_a_training_whose_budget_is_over_is_not_evaluated(mini_data: Path, tmp_path: Path) -> None:
    paths = ("--data", mini_data, "--exp", tmp_path)
    settings = ("total_steps=3", "quantizer_start_step=1", "time_budget_minutes=0.0001")
    result = run(MINI, "--stage", "4", "--stop_stage", "5", *paths, "--", *settings)
    assert result.returncode == 75, result.stderr
    assert result.stderr.endswith(GOES_ON)
    assert (tmp_path / "checkpoints").exists() and not (tmp_path / "scores").exists()
