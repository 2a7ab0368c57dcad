"""The training recipe: it learns, goes on exactly where it was stopped, and refuses what cannot work."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hydra import compose, initialize
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from lightning_fabric import Fabric
from omegaconf import OmegaConf
from torch import Tensor

import audiovq
from audiovq.audio.mel import LogMelConfig
from audiovq.codes import CodesError
from audiovq.data.balance import BalanceConfig
from audiovq.data.source import DataConfig
from audiovq.models import VQVAE
from audiovq.train.config import OptimConfig
from audiovq.train.update import NotFiniteError
from recipes.schema import LossWeights, TrainTokenizerConfig
from recipes.train_tokenizer import looking
from recipes.train_tokenizer.__main__ import train
from recipes.train_tokenizer.beginning import initial_model
from recipes.train_tokenizer.hearing import heard
from recipes.train_tokenizer.looking import CollapsedLevelError
from recipes.train_tokenizer.task import TokenizerTask
from tests.models import tiny
from tests.recipes.tiny_run import RATE, events, last_state, noise_cuts, settings
from tests.same import same

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return noise_cuts(tmp_path_factory.mktemp("data"))


def test_interrupted_and_resumed_is_uninterrupted(cuts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(settings(cuts, tmp_path / "whole"))
    losses = TokenizerTask.losses

    def die_at_five(self: TokenizerTask, batch: Any) -> Any:
        if self.model.training and self.networks["model"].average.num_updates == 5:
            raise KeyboardInterrupt
        return losses(self, batch)

    monkeypatch.setattr(TokenizerTask, "losses", die_at_five)
    with pytest.raises(KeyboardInterrupt):
        train(settings(cuts, tmp_path / "parts"))
    monkeypatch.setattr(TokenizerTask, "losses", losses)
    torch.manual_seed(99)
    train(settings(cuts, tmp_path / "parts"))
    whole, parts = last_state(tmp_path / "whole"), last_state(tmp_path / "parts")
    assert whole["step"] == 8 and whole["epoch"] > 0
    assert same({**whole, "settings": {}}, {**parts, "settings": {}})
    assert events(tmp_path / "whole", "valid")[-1] == events(tmp_path / "parts", "valid")[-1]


def test_a_finished_run_is_left_alone(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path))
    before = last_state(tmp_path)
    train(settings(cuts, tmp_path))
    assert same(before, last_state(tmp_path))


def test_it_learns_and_leaves_a_model_to_load(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path, total_steps=100, quantizer_start_step=0, validate_every=5))
    distances = [event["mel_l1_nats_by_levels"][-1] for event in events(tmp_path, "valid")]
    assert distances[-1] < 0.9 * distances[0]
    tokenizer = audiovq.load(tmp_path / "model")
    codes = tokenizer.encode(0.1 * torch.randn(3000), sample_rate=RATE)
    assert tokenizer.decode(codes).shape == (1, 3000)
    assert tokenizer.model.hierarchy.quantizers[0].started


def test_quiet_cells_can_be_told_to_count_little(cuts: str, tmp_path: Path) -> None:
    quiet, loud = torch.full((1, 8, 100), -6.0), torch.full((1, 8, 100), -2.0)
    mel, mask = torch.cat([quiet, loud], dim=2), torch.ones(1, 1, 200)
    for power, share in ((0.0, 0.5), (0.5, 1 / (1 + math.exp(2)))):
        config = settings(cuts, tmp_path, loss=LossWeights(loudness_power=power))
        task = TokenizerTask(config, Fabric(accelerator="cpu", devices=1))
        quieter = torch.cat([quiet - 1, loud], dim=2)
        assert float(task._mel_loss(quieter, mel, mask)) == pytest.approx(share)


def test_where_channels_agree_counts_as_loud_as_they_are(cuts: str, tmp_path: Path) -> None:
    usual = settings(cuts, tmp_path)
    bands = usual.model.mel.num_mels
    left = torch.cat([torch.full((1, bands, 100), -6.0), torch.full((1, bands, 100), -2.0)], dim=2)
    right, agreement, mask = torch.full_like(left, -9.0), torch.zeros_like(left), torch.ones(1, 1, 200)
    mel = torch.cat([left, right, agreement], dim=1)
    wrong_where_quiet = mel.clone()
    wrong_where_quiet[:, 2 * bands :, :100] += 1
    quiet, loud, quietest = (math.exp(level / 2) for level in (-6, -2, -9))
    for power, share in ((0.0, 1 / 6), (0.5, quiet / (2 * quiet + 2 * loud + 2 * quietest))):
        config = dataclasses.replace(usual, loss=LossWeights(loudness_power=power))
        config = dataclasses.replace(config, model=dataclasses.replace(usual.model, stereo="joint"))
        task = TokenizerTask(config, Fabric(accelerator="cpu", devices=1))
        assert float(task._mel_loss(wrong_where_quiet, mel, mask)) == pytest.approx(share)


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


def test_the_decoder_alone_can_be_trained_and_codes_stay_valid(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path / "first", total_steps=20))
    model = str(tmp_path / "first" / "model")
    for keep in (True, False):
        train(settings(cuts, tmp_path / str(keep), total_steps=4, init_from=model, keep_codes=keep))
    first, kept, changed = (audiovq.load(tmp_path / name / "model") for name in ("first", "True", "False"))
    codes = first.encode(0.1 * torch.randn(3000), sample_rate=RATE)
    assert kept.decode(codes).shape == (1, 3000)
    assert not torch.equal(kept.decode_mel(codes), first.decode_mel(codes))
    with pytest.raises(CodesError, match="has another encoder"):
        changed.decode(codes)
    others: list[dict[str, Any]] = [{}, {"init_from": model, "init_partly": True}]
    for changes in others:
        with pytest.raises(ValueError, match="keep_codes needs a model whose codes to keep"):
            settings(cuts, tmp_path, keep_codes=True, **changes)


def test_what_fits_of_another_model_is_taken_over(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path / "first", total_steps=10))
    first = audiovq.load(tmp_path / "first" / "model").model
    config = settings(cuts, tmp_path / "second", init_from=str(tmp_path / "first" / "model"), init_partly=True)
    coarse, middle, fine = config.model.levels
    coarse = dataclasses.replace(coarse, quantizer=dataclasses.replace(coarse.quantizer, codebook_size=32))
    fine = dataclasses.replace(fine, quantizer=dataclasses.replace(fine.quantizer, num_codebooks=3))
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, levels=[coarse, middle, fine]))
    begun = initial_model(config)
    assert same(dict(first.encoder.state_dict()), dict(begun.encoder.state_dict()))
    before, after = (dict(model.hierarchy.quantizers.state_dict()) for model in (first, begun))
    assert same(before["1.codebook"], after["1.codebook"])
    assert same(before["2.quantizers.1.codebook"], after["2.quantizers.1.codebook"])
    assert [quantizer.started for quantizer in begun.hierarchy.quantizers] == [False, True, False]
    assert [bool(after[f"2.quantizers.{stage}.is_started"]) for stage in range(3)] == [True, True, False]
    train(config)
    quantizers = audiovq.load(tmp_path / "second" / "model").model.hierarchy.quantizers
    assert all(quantizer.started for quantizer in quantizers)


def test_a_model_of_two_channels_can_begin_with_one_of_one(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path / "first", total_steps=10))
    first = audiovq.load(tmp_path / "first" / "model").model
    config = settings(cuts, tmp_path, init_from=str(tmp_path / "first" / "model"), init_partly=True)
    begun = initial_model(dataclasses.replace(config, model=dataclasses.replace(config.model, stereo="joint")))
    bands = first.config.num_bands
    before, after = (model.encoder.input.conv.weight for model in (first, begun))
    torch.testing.assert_close(after[:, :bands], before)
    assert after.shape[1] == 3 * bands and all(quantizer.started for quantizer in begun.hierarchy.quantizers)


def test_levels_start_from_latents_that_see_the_coarser_ones_quantised(
    cuts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TokenizerTask(settings(cuts, tmp_path), Fabric(accelerator="cpu", devices=1))
    model, given = task.model, []
    for quantizer in model.hierarchy.quantizers:

        def start(latents: Tensor, really: Callable[[Tensor], None] = quantizer.start) -> None:
            given.append(latents)
            really(latents)

        monkeypatch.setattr(quantizer, "start", start)
    task.start_quantizers()
    assert all(quantizer.started for quantizer in model.hierarchy.quantizers)
    coded = [heard(batch, task.config.model) for batch in task.load(task.epoch_batches(-1), -1)]
    batches, masks = zip(*coded, strict=True)
    features = [model.encoder(model.features(batch.wave), mask) for batch, mask in zip(batches, masks, strict=True)]
    of_batches = [model.hierarchy(each, mask)[0] for each, mask in zip(features, masks, strict=True)]
    for level, latents in enumerate(given):
        seen = torch.cat(
            [mask.select(all_levels[level].mT) for all_levels, mask in zip(of_batches, masks, strict=True)]
        )
        assert len(latents) >= 2 * model.config.codebook_sizes[level]
        assert torch.cdist(latents, seen, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1).values.max() < 1e-5


def test_a_collapsed_level_fails_the_run(cuts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "COLLAPSE_GRACE_STEPS", 0)
    with pytest.raises(CollapsedLevelError, match=r"level 0 collapsed: perplexity \d+\.\d of 16 entries"):
        train(settings(cuts, tmp_path, collapse_share=1.0))


def test_a_loss_that_is_no_number_stops_the_run(cuts: str, tmp_path: Path) -> None:
    with pytest.raises(NotFiniteError, match="step 0: the gradient norm of model is nan"):
        train(settings(cuts, tmp_path, loss=LossWeights(mel=float("nan"))))


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


@pytest.mark.parametrize("name", ["prefixes", "predictor"])
def test_coarse_levels_learn_from_losses_of_their_own(name: str, cuts: str, tmp_path: Path) -> None:
    def term(folder: Path, weight: float) -> float:
        loss = LossWeights(**{"mel": 0.1, name: weight})
        train(settings(cuts, folder, total_steps=40, quantizer_start_step=5, level_dropout=0.0, loss=loss))
        return sum(event[name] for event in events(folder, "train")[-10:])

    assert term(tmp_path / "taught", 1.0) < 0.92 * term(tmp_path / "left", 1e-6)


def composed(*overrides: str) -> TrainTokenizerConfig:
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path="../../configs"):
        config = compose("train_tokenizer", overrides=list(overrides))
    return cast(TrainTokenizerConfig, OmegaConf.to_object(config))


EXPERIMENTS = sorted(path.stem for path in (ROOT / "configs" / "experiment").glob("*_codec*.yaml"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes_and_builds(experiment: str) -> None:
    config = composed(f"experiment={experiment}")
    assert isinstance(config, TrainTokenizerConfig)
    assert VQVAE(config.model).config.num_levels in (3, 4)  # of speech, of music


def test_there_are_experiments() -> None:
    assert "debian_speech_codec1" in EXPERIMENTS and len(EXPERIMENTS) >= 3


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ConfigCompositionException, match="learning_rates"):
        composed("experiment=debian_speech_codec1", "optim.learning_rates=1e-3")


def test_a_corpus_in_memory_trains_and_goes_on_exactly(cuts: str, tmp_path: Path) -> None:
    data = DataConfig(train_cuts=cuts, valid_cuts=cuts, window_seconds=0.2, batch_seconds=1.0, resident=True)
    assert train(settings(cuts, tmp_path / "whole", data=data)) == 0
    first = settings(cuts, tmp_path / "parts", data=data, time_budget_minutes=1e-9)
    while train(first) != 0:
        pass
    whole, parts = (last_state(tmp_path / name)["networks"]["model"]["weights"] for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_corpus_in_memory_is_not_augmented(cuts: str) -> None:
    with pytest.raises(ValueError, match=r"leave data\.augment"):
        DataConfig(train_cuts=cuts, valid_cuts=cuts, resident=True, balance=BalanceConfig(voices=1.0))
