"""Trainings that hear both channels: each way with them learns, and makes a model that gives two back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

import audiovq
from audiovq.data.degrade import AugmentConfig
from audiovq.data.source import DataConfig
from audiovq.models.config import STEREO
from recipes.schema import TrainTokenizerConfig
from recipes.train_tokenizer.__main__ import train
from recipes.train_tokenizer.hearing import heard
from recipes.train_tokenizer.task import TokenizerTask
from tests.recipes.test_train_tokenizer import composed
from tests.recipes.tiny_run import RATE, events, noise_cuts, settings


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return noise_cuts(tmp_path_factory.mktemp("stereo"), num_channels=2)


def stereo_settings(cuts: str, folder: Path, stereo: str, resident: bool = False) -> TrainTokenizerConfig:
    data = DataConfig(
        train_cuts=cuts, valid_cuts=cuts, num_channels=2, window_seconds=0.5, batch_seconds=2.0, resident=resident
    )
    data.num_workers = 0
    usual = settings(cuts, folder, total_steps=60, quantizer_start_step=0, validate_every=5, data=data)
    return dataclasses.replace(usual, model=dataclasses.replace(usual.model, stereo=stereo))


@pytest.mark.parametrize(("stereo", "resident"), [("separate", False), ("mid_side", True), ("joint", True)])
def test_it_learns_and_leaves_a_model_of_two_channels(cuts: str, tmp_path: Path, stereo: str, resident: bool) -> None:
    train(stereo_settings(cuts, tmp_path, stereo, resident))
    distances = [event["mel_l1_nats_by_levels"][-1] for event in events(tmp_path, "valid")]
    assert distances[-1] < 0.9 * distances[0]
    tokenizer = audiovq.load(tmp_path / "model")
    codes = tokenizer.encode(0.1 * torch.randn(2, 3000), sample_rate=RATE)
    assert codes.num_channels == (1 if stereo == "joint" else 2)
    assert tokenizer.decode(codes).shape == (2, 3000)


@pytest.mark.parametrize("stereo", STEREO)
def test_the_network_hears_what_is_coded(cuts: str, tmp_path: Path, stereo: str) -> None:
    task = TokenizerTask(stereo_settings(cuts, tmp_path, stereo), Fabric(accelerator="cpu", devices=1))
    batch = next(iter(task.load([task.epoch_batches(0)[0]], 0)))
    coded = heard(batch, task.config.model)[0]
    left, right = batch.wave[:, :1], batch.wave[:, 1:]
    assert float((left / 2 - right).abs().median()) < 1e-4 < float(right.abs().median())
    each = {"separate": [left, right], "mid_side": [(left + right) / 2, (left - right) / 2], "joint": [batch.wave]}
    assert torch.equal(coded.wave, torch.stack(each[stereo], dim=1).flatten(0, 1))
    assert torch.equal(coded.num_frames, batch.num_frames.repeat_interleave(len(each[stereo])))
    assert torch.equal(coded.seeds, batch.seeds.repeat_interleave(len(each[stereo])))


def test_the_rivals_of_music_44k_have_its_bits() -> None:
    joint, *others = (
        composed(f"experiment=debian_music_codec2{rival}").model for rival in ("", "_separate", "_mid_side")
    )
    bits = [
        sum(
            k * (v - 1).bit_length() / hop
            for k, v, hop in zip(c.num_codebooks, c.codebook_sizes, c.hop_lengths, strict=True)
        )
        for c in (joint, *others)
    ]
    assert bits[1] == bits[2] and bits[0] == pytest.approx(2 * bits[1], rel=1e-3)
    assert 44100 * bits[0] < 6000
    assert [other.stereo for other in (joint, *others)] == ["joint", "separate", "mid_side"]


def test_what_cannot_be_heard_is_refused(cuts: str) -> None:
    with pytest.raises(ValueError, match=r"data\.num_channels is 3, expected 1 or 2"):
        DataConfig(train_cuts=cuts, valid_cuts=cuts, num_channels=3)
    with pytest.raises(ValueError, match=r"leave it out where data\.num_channels is 2"):
        DataConfig(train_cuts=cuts, valid_cuts=cuts, num_channels=2, augment=AugmentConfig(noise_share=0.5))
