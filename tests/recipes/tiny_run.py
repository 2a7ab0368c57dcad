"""A run of the tokenizer recipe that takes a second or two."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import soundfile
import torch

from audiovq.audio.mel import LogMelConfig
from audiovq.data.cuts import write_cuts
from audiovq.data.kaldi import DataDir
from audiovq.data.source import DataConfig
from audiovq.train.checkpoint import checkpoints, load_checkpoint
from audiovq.train.config import OptimConfig
from recipes.schema import TrainTokenizerConfig
from recipes.train_tokenizer.__main__ import train
from tests.models import tiny

RATE = 8000


def noise_cuts(folder: Path, num_recordings: int = 10, num_channels: int = 1) -> str:
    """Short recordings of noise through slowly moving resonances, softer in each channel than in the one before."""
    generator = torch.Generator().manual_seed(0)
    wavs, speakers = {}, {}
    for index in range(num_recordings):
        length = 2000 + 700 * index
        loudness = torch.sin(torch.arange(length) / (200 + 30 * index)).abs()
        wave = 0.3 * loudness * torch.randn(length, generator=generator)
        path = folder / f"s{index % 2}-{index}.wav"
        channels = torch.stack([wave / 2**channel for channel in range(num_channels)], dim=1)
        soundfile.write(path, channels.numpy(), RATE)
        wavs[path.stem], speakers[path.stem] = str(path), f"s{index % 2}"
    write_cuts(DataDir(wav_scp=wavs, utt2spk=speakers), folder / "cuts.jsonl.gz")
    return str(folder / "cuts.jsonl.gz")


def settings(cuts: str, folder: Path, num_workers: int = 0, **changes: Any) -> TrainTokenizerConfig:
    mel = LogMelConfig(sample_rate=RATE, n_fft=64, hop_length=16, num_mels=8, fmax=4000.0)
    values: dict[str, Any] = {
        "name": "tiny",
        "output_dir": str(folder),
        "total_steps": 8,
        "quantizer_start_step": 2,
        "kmeans_latents_per_entry": 2,
        "device": "cpu",
        "precision": "32-true",
        "log_every": 1,
        "validate_every": 4,
        "checkpoint_every": 2,
        "model": dataclasses.replace(tiny.config(), mel=mel),
        "data": DataConfig(
            train_cuts=cuts, valid_cuts=cuts, window_seconds=0.5, batch_seconds=2.0, num_workers=num_workers
        ),
        "optim": OptimConfig(warmup_steps=2),
    }
    return TrainTokenizerConfig(**(values | changes))


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def last_state(folder: Path) -> dict[str, Any]:
    return load_checkpoint(checkpoints(folder / "checkpoints")[-1])


def train_silently(config: TrainTokenizerConfig) -> None:
    """One call of the recipe, silent, in a process of its own."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    raise SystemExit(train(config))
