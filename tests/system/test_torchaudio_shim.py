"""Importing audiovq first makes torchaudio and what builds on it importable, whatever torch is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code: str) -> str:
    """What a fresh interpreter prints; fails with its traceback."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchaudio_and_lhotse_work_after_audiovq() -> None:
    code = """
import audiovq
import lhotse, torch, torchaudio
wave = torch.sin(torch.arange(8000) * 0.2)
mel = torchaudio.transforms.MelSpectrogram(16000, n_mels=20)(wave)
print(tuple(mel.shape), bool(mel.isfinite().all()))
print(len(torchaudio.functional.resample(wave, 16000, 24000)))
print(len(lhotse.augmentation.Resample(16000, 8000)(wave[None].numpy(), 16000)[0]))
"""
    assert run(code).splitlines() == ["(20, 41) True", "12000", "4000"]


def test_transformers_audio_models_work_after_audiovq() -> None:
    code = """
import audiovq
from transformers import DacModel, EncodecModel, MimiModel, Wav2Vec2FeatureExtractor
print(EncodecModel.__name__)
"""
    assert run(code).endswith("EncodecModel")


def fake_torchaudio(folder: Path, extension: str) -> Path:
    """A package that fails or works as `extension` does."""
    internal, native = folder / "torchaudio/_internal", folder / "torchaudio/_extension"
    for package in (internal, native):
        package.mkdir(parents=True)
    (folder / "torchaudio/__init__.py").write_text("from . import _extension\n")
    (internal / "__init__.py").touch()
    (internal / "module_utils.py").write_text(
        "def fail_with_message(text):\n    def mark(function):\n        return lambda: print(text)\n    return mark\n"
    )
    (native / "__init__.py").write_text(
        f"from .utils import helper\n{extension}\n_IS_TORCHAUDIO_EXT_AVAILABLE = _IS_ALIGN_AVAILABLE = True\n"
    )
    (native / "utils.py").write_text("helper = 'helper'\n")
    return folder


SHOW = "import torchaudio._extension as e; print(e._IS_TORCHAUDIO_EXT_AVAILABLE, e._IS_ALIGN_AVAILABLE, e.helper)"


def run_with(fake: Path, code: str) -> str:
    """What `code` prints beside a fake torchaudio and our module alone: the rest of audiovq needs the true one."""
    return run(f"import sys; sys.path[:0] = [{str(fake)!r}, 'audiovq/system']; import torchaudio_shim\n{code}")


@pytest.mark.parametrize("error", ["OSError", "ImportError", "RuntimeError"])
def test_a_native_library_that_fails_counts_as_absent(tmp_path: Path, error: str) -> None:
    fake = fake_torchaudio(tmp_path, f"raise {error}('libcuda is missing')")
    shown = run_with(fake, f"{SHOW}\ne.fail_if_no_align(print)()").splitlines()
    assert shown[0] == "False False helper"
    assert "failed to load: libcuda is missing" in shown[1]


def test_a_native_library_that_loads_is_left_alone(tmp_path: Path) -> None:
    assert run_with(fake_torchaudio(tmp_path, ""), SHOW) == "True True helper"


def test_other_mistakes_are_not_hidden(tmp_path: Path) -> None:
    fake = fake_torchaudio(tmp_path, "raise NameError('typo')")
    assert run_with(fake, f"try:\n    {SHOW}\nexcept NameError as error:\n    print(error)") == "typo"
