"""Packing a tokenizer and a vocoder: what the README says, and which stage is missing."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

import audiovq
from audiovq.models import VQVAE
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import load_vocoder, save_model, save_vocoder
from recipes.pack import PackConfig, pack
from tests.models import tiny


@pytest.fixture
def exp(tmp_path: Path) -> Path:
    """What a training and an evaluation leave, but for the model."""
    events = [
        {"event": "begin", "step": 0, "command": "experiment=old"},
        {"event": "begin", "step": 0, "command": "experiment=small"},
        {"event": "end", "step": 70, "audio_seconds": 7200.0},
    ]
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores/RESULTS.md").write_text("good\n")
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return tmp_path


def packed(exp: Path, recipe: str) -> str:
    pack(PackConfig(exp=str(exp), scores=str(exp / "scores"), output_dir=str(exp / "packed"), recipe=recipe))
    return (exp / "packed/README.md").read_text()


def test_a_tokenizer_is_packed_with_its_levels(exp: Path) -> None:
    save_model(exp / "model", tiny.model(), "tiny", "CC0-1.0")
    text = packed(exp, "train_tokenizer")
    assert "# tiny\n\n3 levels, 550 bits per second, 800 Hz mono" in text and "| 2 | 100 | 2 | 16 |" in text
    assert "Weights: CC0-1.0." in text and "70 steps, 2 hours of audio heard" in text
    assert "    python -m recipes.train_tokenizer experiment=small\n" in text and "## Scores\n\ngood\n" in text
    assert audiovq.load(exp / "packed").name == "tiny"


def test_a_tokenizer_of_two_channels_says_so(exp: Path) -> None:
    joint = VQVAE(dataclasses.replace(tiny.config(), stereo="joint"))
    save_model(exp / "model", joint, "wide", "CC0-1.0")
    assert "# wide\n\n3 levels, 550 bits per second, 800 Hz stereo" in packed(exp, "train_tokenizer")


def test_a_vocoder_is_packed_with_its_mels(exp: Path) -> None:
    torch.manual_seed(0)
    save_vocoder(exp / "model", Vocoder(VocoderConfig(mel=tiny.MEL, width=4, num_blocks=1)), "voice", "CC0-1.0")
    text = packed(exp, "train_vocoder")
    assert "# voice\n\nLog-mels to sound, 800 Hz mono" in text and "| hop_length | 8 |" in text
    assert "    python -m recipes.train_vocoder experiment=small\n" in text
    assert load_vocoder(exp / "packed")[1].name == "voice"


def test_a_stage_that_is_missing_is_named(exp: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run the stage 'train' first"):
        packed(exp, "train_tokenizer")
    save_model(exp / "model", tiny.model(), "tiny", "CC0-1.0")
    (exp / "scores/RESULTS.md").unlink()
    with pytest.raises(FileNotFoundError, match="run the stage 'evaluate' first"):
        packed(exp, "train_tokenizer")
