"""The whole command with a real, tiny, untrained model; also in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiovq import cli
from audiovq.codes import Codes
from audiovq.models import VQVAE, LevelConfig, VQVAEConfig
from audiovq.pretrained import save_model
from audiovq.tokenizer import load_once

RATE = 16000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model's folder."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = VQVAEConfig(
        head="istft",
        head_strides=[],
        head_blocks=1,
        width=16,
        levels=[LevelConfig() for _ in range(3)],
    )
    save_model(folder, VQVAE(config), name="mine", licence="CC0-1.0")
    return str(folder)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    load_once.cache_clear()
    return tmp_path


def sound(path: str, seconds: float = 0.5) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).standard_normal(int(seconds * RATE))
    soundfile.write(path, (0.1 * noise).clip(-1, 1), RATE)


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own, and in a group of its own as a shell does it."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiovq.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        start_new_session=True,
    )


def test_codes_and_sound_have_the_right_length(here: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav")
    assert cli.main(["encode", "a.wav", "-o", "a.avq", "--model", model]) == 0
    codes = Codes.load("a.avq")
    assert codes.num_samples == RATE // 2 and codes.model.startswith("mine@")
    for levels in ("1", "2", "3"):
        assert cli.main(["decode", "a.avq", "-o", f"{levels}.wav", "--model", model, "--levels", levels]) == 0
        assert soundfile.info(f"{levels}.wav").frames == RATE // 2
    assert cli.main(["reconstruct", "a.wav", "-o", "b.wav", "--model", model]) == 0
    assert Path("b.wav").read_bytes() == Path("3.wav").read_bytes()
    assert cli.main(["info", "a.avq"]) == cli.main(["info", model]) == 0
    out = capsys.readouterr().out
    assert out.count(codes.model) == 3 and out.count("entries") == 3


def test_codes_of_another_encoder_are_refused(here: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    sound("a.wav")
    assert cli.main(["encode", "a.wav", "-o", "good.avq", "--model", model]) == 0
    good = Codes.load("good.avq")
    Codes(good.levels, RATE, good.num_samples, good.hop_lengths, good.codebook_sizes, "mine@0000").save("other.avq")
    capsys.readouterr()
    assert cli.main(["decode", "good.avq", "other.avq", "-o", "out", "--model", model]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("audiovq: other.avq: ") and "mine@0000" in first and good.model in first
    assert last == "audiovq: decoded 1, 1 failed"


def test_processes_give_what_one_gives_until_ctrl_c(here: Path, model: str) -> None:
    sound("in/a.wav", 0.3)
    Path("in/bad \N{SNOWMAN}.wav").touch()
    sound("in/x/b.flac", 0.7)
    sound("in/y/long.wav", 600)
    for name in ("longer", "longest"):
        os.link("in/y/long.wav", f"in/y/{name}.wav")
    short = [Path("out/a.avq"), Path("out/x/b.avq")]
    with start("encode", "in", "-o", "out", "--model", model, "--jobs", "2") as command:
        assert command.stderr is not None
        complaint = command.stderr.readline()  # comes before anything is interrupted
        while command.poll() is None and not all(path.exists() for path in short):
            time.sleep(0.05)
        os.killpg(command.pid, signal.SIGINT)  # to all processes of the command, as a terminal does
        out, err = command.communicate()
    assert complaint == "audiovq: in/bad \N{SNOWMAN}.wav is an empty file\n"
    assert out == "" and err.splitlines() == [
        "audiovq: interrupted: outputs are whole or absent, and the same call goes on from here",
    ]
    assert command.returncode == 130
    written = [path for path in Path("out").rglob("*") if path.is_file()]
    assert all(path.suffix == ".avq" for path in written) and Path("out/y/longest.avq") not in written
    assert cli.main(["encode", "in/a.wav", "in/x", "-o", "one", "--model", model]) == 0
    assert [path.read_bytes() for path in short] == [Path("one/a.avq").read_bytes(), Path("one/b.avq").read_bytes()]
