"""Evaluation of a real, tiny, untrained model in processes of its own, through the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audiovq.audio import io
from audiovq.data.kaldi import DataDir
from audiovq.models import VQVAE, LevelConfig, VQVAEConfig
from audiovq.pretrained import save_model
from recipes.benchmark import speech_like
from recipes.evaluate import EvaluateConfig, evaluate

RATE = 16_000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and data in it at another rate than the model's."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_model(Path("model"), VQVAE(VQVAEConfig(width=16, levels=[LevelConfig() for _ in range(3)])), "tiny", "CC0-1.0")
    names = [f"speaker-{number}" for number in range(4)]
    for number, name in enumerate(names):
        io.write(f"{name}.wav", speech_like(0.8 + 0.1 * number, 24_000), 24_000)
    DataDir({name: f"{name}.wav" for name in names}, dict.fromkeys(names, "speaker")).save("data")
    return tmp_path


def run(*settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "recipes.evaluate", "model=model", "data=data", *settings],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )


@pytest.mark.usefixtures("here")
def test_processes_and_the_command_change_nothing() -> None:
    result = run("output_dir=two", "num_workers=2")
    assert result.returncode == 0, result.stderr
    assert "4 utterances of 1 speakers" in result.stdout
    evaluate(EvaluateConfig(model="model", data="data", output_dir="one"))
    one, two = (json.loads(Path(folder, "summary.json").read_text()) for folder in ("one", "two"))
    assert one == two
    assert [prefix["levels"] for prefix in one["prefixes"]] == [1, 2, 3]
    assert set(one["prefixes"][0]["scores"]) >= {"decoder_log_mel_l1", "log_mel_l1", "mel_distance", "stoi", "pesq_wb"}


@pytest.mark.usefixtures("here")
def test_what_is_wrong_is_one_line() -> None:
    Path("speaker-2.wav").write_text("no sound")
    result = run("output_dir=out", "metrics=[mel_distance]")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "evaluate: speaker-2.wav is not a sound file that libsndfile can read"
    assert "Traceback" not in result.stderr
    lines = Path("out/scores.jsonl").read_text().splitlines()
    assert 1 <= len(lines) <= 4  # the subject, and what was scored before the bad file came up
