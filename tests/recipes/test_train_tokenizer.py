"""The training recipe: it learns, goes on exactly where it was stopped, and refuses what cannot work."""

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import pytest
import soundfile
import torch
from hydra import compose, initialize
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

import audiovq
from audiovq.audio.mel import LogMelConfig
from audiovq.data.cuts import write_cuts
from audiovq.data.kaldi import DataDir
from audiovq.models import VQVAE
from audiovq.train.checkpoint import CheckpointError, checkpoints, load_checkpoint, save_checkpoint
from recipes import train_tokenizer
from recipes.schema import DataConfig, OptimConfig, TrainTokenizerConfig
from recipes.train_tokenizer import CollapsedLevelError, TokenizerTraining, train
from tests.models import tiny

RATE = 8000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten short recordings of noise through slowly moving resonances."""
    folder = tmp_path_factory.mktemp("data")
    generator = torch.Generator().manual_seed(0)
    wavs, speakers = {}, {}
    for index in range(10):
        length = 2000 + 700 * index
        loudness = torch.sin(torch.arange(length) / (200 + 30 * index)).abs()
        wave = 0.3 * loudness * torch.randn(length, generator=generator)
        path = folder / f"s{index % 2}-{index}.wav"
        soundfile.write(path, wave.numpy(), RATE)
        wavs[path.stem], speakers[path.stem] = str(path), f"s{index % 2}"
    write_cuts(DataDir(wav_scp=wavs, utt2spk=speakers), folder / "cuts.jsonl.gz")
    return str(folder / "cuts.jsonl.gz")


def settings(cuts: str, folder: Path, **changes: Any) -> TrainTokenizerConfig:
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
        "data": DataConfig(train_cuts=cuts, valid_cuts=cuts, window_seconds=0.5, batch_seconds=2.0, num_workers=0),
        "optim": OptimConfig(warmup_steps=2),
    }
    return TrainTokenizerConfig(**(values | changes))


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def last_state(folder: Path) -> dict[str, Any]:
    return load_checkpoint(checkpoints(folder / "checkpoints")[-1])


def same(a: Any, b: Any) -> bool:
    """Equality of nested states, tensors bit by bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_interrupted_and_resumed_is_uninterrupted(cuts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(settings(cuts, tmp_path / "whole"))
    step = TokenizerTraining.train_step

    def die_at_five(self: TokenizerTraining, batch: Any) -> Any:
        if self.step == 5:
            raise KeyboardInterrupt
        return step(self, batch)

    monkeypatch.setattr(TokenizerTraining, "train_step", die_at_five)
    with pytest.raises(KeyboardInterrupt):
        train(settings(cuts, tmp_path / "parts"))
    monkeypatch.setattr(TokenizerTraining, "train_step", step)
    torch.manual_seed(99)
    train(settings(cuts, tmp_path / "parts"))
    whole, parts = last_state(tmp_path / "whole"), last_state(tmp_path / "parts")
    assert whole["step"] == 8 and whole["epoch"] > 0
    assert same(whole, parts)
    assert events(tmp_path / "whole", "valid")[-1] == events(tmp_path / "parts", "valid")[-1]


def test_a_finished_run_is_left_alone(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path))
    before = last_state(tmp_path)
    train(settings(cuts, tmp_path))
    assert same(before, last_state(tmp_path))


def test_it_learns_and_leaves_a_model_to_load(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path, total_steps=100, quantizer_start_step=10, validate_every=50))
    losses = [event["mel"] for event in events(tmp_path, "train")]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    tokenizer = audiovq.load(tmp_path / "model")
    codes = tokenizer.encode(0.1 * torch.randn(3000), sample_rate=RATE)
    assert tokenizer.decode(codes).shape == (1, 3000)
    assert tokenizer.model.hierarchy.quantizers[0].started


def test_two_checkpoints_are_kept(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path))
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == ["step-00000006.pt", "step-00000008.pt"]


def test_a_time_budget_stops_cleanly(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path, total_steps=10**6, time_budget_minutes=1e-6))
    assert last_state(tmp_path)["step"] == 1
    assert (tmp_path / "model" / "config.json").is_file()


def test_another_model_in_the_same_folder_is_refused(cuts: str, tmp_path: Path) -> None:
    config = settings(cuts, tmp_path, total_steps=2)
    train(config)
    wider = dataclasses.replace(config, model=dataclasses.replace(config.model, width=20), total_steps=4)
    with pytest.raises(ValueError, match="holds another model than this configuration"):
        train(wider)


def test_a_run_can_begin_with_a_model(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path / "first", total_steps=20))
    model = str(tmp_path / "first" / "model")
    still = OptimConfig(learning_rate=0.0, final_learning_rate=0.0, warmup_steps=1, averaging_decay=0.0)
    train(settings(cuts, tmp_path / "second", total_steps=1, init_from=model, optim=still))
    first, second = (audiovq.load(tmp_path / name / "model").model.encoder.state_dict() for name in ("first", "second"))
    assert same(dict(first), dict(second))
    wider = dataclasses.replace(settings(cuts, tmp_path).model, width=20, kernel_size=5)
    with pytest.raises(ValueError, match="is another model than this configuration: width, kernel_size"):
        train(settings(cuts, tmp_path / "third", init_from=model, model=wider))


def test_a_collapsed_level_fails_the_run(cuts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_tokenizer, "COLLAPSE_GRACE_STEPS", 0)
    with pytest.raises(CollapsedLevelError, match=r"level 0 collapsed: perplexity \d+\.\d of 16 entries"):
        train(settings(cuts, tmp_path, collapse_share=1.0))


def test_a_loss_that_is_no_number_stops_the_run(cuts: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the loss is nan"):
        train(settings(cuts, tmp_path, optim=OptimConfig(learning_rate=float("nan"), warmup_steps=1)))


def test_missing_cuts_name_their_stage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run the recipe's stage 'cuts' first"):
        train(settings(str(tmp_path / "none.jsonl.gz"), tmp_path))


@pytest.mark.parametrize("front", ["mel", "wave"])
@pytest.mark.parametrize("head", ["mel", "istft"])
def test_every_front_and_head_takes_a_step(front: str, head: str, cuts: str, tmp_path: Path) -> None:
    mel = LogMelConfig(sample_rate=RATE, n_fft=64, hop_length=8, num_mels=8, fmax=4000.0)
    config = settings(cuts, tmp_path, model=dataclasses.replace(tiny.config(front, head=head), mel=mel), total_steps=1)
    weights = dataclasses.replace(config.loss, multi_scale_mel=1.0, multi_scale_stft=1.0, wave=1.0)
    train(dataclasses.replace(config, loss=weights))
    named = events(tmp_path, "train")[0]
    assert ("wave" in named) == ("multi_scale_stft" in named) == (head == "istft")


def composed(*overrides: str) -> TrainTokenizerConfig:
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path="../../configs"):
        config = compose("train_tokenizer", overrides=list(overrides))
    return cast(TrainTokenizerConfig, OmegaConf.to_object(config))


EXPERIMENTS = sorted(path.stem for path in (ROOT / "configs" / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes_and_builds(experiment: str) -> None:
    config = composed(f"experiment={experiment}")
    assert isinstance(config, TrainTokenizerConfig)
    assert VQVAE(config.model).config.num_levels == 3


def test_there_are_experiments() -> None:
    assert "debian_speech_codec1" in EXPERIMENTS and len(EXPERIMENTS) >= 3


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ConfigCompositionException, match="learning_rates"):
        composed("experiment=debian_speech_codec1", "optim.learning_rates=1e-3")


def test_a_broken_checkpoint_says_so(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 3, {"x": torch.zeros(2)})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_version_says_so(tmp_path: Path) -> None:
    torch.save({"format_version": 7}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="written in format version 7, this audiovq reads 1"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_checkpoint_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, 1, {"x": 1})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audiovq.train.checkpoint.torch.save", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, 2, {"x": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001.pt"]
