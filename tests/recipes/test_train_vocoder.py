"""The training of vocoders and waveform decoders: exact, learning, and honest about what does not fit."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest
import safetensors.torch
import torch
from hydra import compose, initialize
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from torch import Tensor

import audiovq
from audiovq.audio.mel import LogMelConfig
from audiovq.audio.unfold import Unfold
from audiovq.data.augment import random_gains
from audiovq.data.loader import Batch, read_cuts
from audiovq.data.source import random_window
from audiovq.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from audiovq.models import VQVAE
from audiovq.models.discriminators import (
    Discriminators,
    DiscriminatorsConfig,
    Judgement,
    magnitude_discriminators,
    wave_discriminators,
)
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.nn.istft import ISTFTHead
from audiovq.pretrained import ModelError, codes_hash, load_model, load_vocoder, save_model
from audiovq.train.config import OptimConfig
from audiovq.train.identity import ChangedConfigError
from audiovq.train.launch import launch
from audiovq.train.shares import split
from audiovq.train.update import Updater
from recipes.schema import (
    AdversarialConfig,
    BalancerConfig,
    TrainVocoderConfig,
    VocoderDataConfig,
    VocoderLossWeights,
    WaveDecoderConfig,
)
from recipes.train_vocoder.adversarial_task import AdversarialTask
from recipes.train_vocoder.magnitude_task import MagnitudeTask
from recipes.train_vocoder.run import train
from recipes.train_vocoder.wave_task import WaveTask
from tests.models import tiny
from tests.recipes.tiny_run import RATE, events, last_state, noise_cuts
from tests.same import same

ROOT = Path(__file__).parents[2]
MEL = LogMelConfig(sample_rate=RATE, n_fft=64, hop_length=16, num_mels=8, fmax=4000.0)
VOICES = ("true", "decoded", "codes", "magnitudes")  # what the generator reads; the last makes magnitudes of "decoded"
MAGNITUDES = VocoderConfig(mel=MEL, head="magnitude", width=16, kernel_size=3, expansion=2, num_blocks=1)


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return noise_cuts(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def saved_tokenizer(folder: Path, seed: int = 0) -> str:
    torch.manual_seed(seed)
    model = VQVAE(dataclasses.replace(tiny.config(), mel=MEL)).eval()
    for quantizer in model.hierarchy.quantizers:
        quantizer.start(torch.randn(100, 16))
    save_model(folder, model, "tiny", "CC0-1.0")
    return str(folder)


def settings(cuts: str, folder: Path, **changes: Any) -> TrainVocoderConfig:
    values: dict[str, Any] = {
        "name": "tiny-vocoder",
        "output_dir": str(folder),
        "total_steps": 8,
        "device": "cpu",
        "precision": "32-true",
        "log_every": 1,
        "validate_every": 4,
        "checkpoint_every": 2,
        "model": VocoderConfig(mel=MEL, width=16, kernel_size=3, expansion=2, num_blocks=1),
        "decoder": WaveDecoderConfig(head_strides=[2], head_blocks=1),
        "discriminators": DiscriminatorsConfig(
            periods=[3], period_channels=[4, 4], n_ffts=[64], stft_channels=4, band_channels=4
        ),
        "adversarial": AdversarialConfig(start_step=3, lead_steps=0, judged_seconds=0.1),
        "data": VocoderDataConfig(
            train_cuts=cuts, valid_cuts=cuts, train_seconds=0.4, batch_seconds=2.0, num_workers=0
        ),
        "optim": OptimConfig(warmup_steps=2),
        "discriminator_optim": OptimConfig(warmup_steps=2),
    }
    return TrainVocoderConfig(**(values | changes))


def reading(voice: str, tokenizer: str) -> dict[str, Any]:
    return {
        "true": {},
        "decoded": {"tokenizers": [tokenizer], "decoded_share": 0.5},
        "codes": {"tokenizers": [tokenizer], "source": "codes", "level_dropout": 0.5},
        "magnitudes": {"tokenizers": [tokenizer], "decoded_share": 0.5, "model": MAGNITUDES},
    }[voice]


def made(cuts: str, folder: Path, **changes: Any) -> AdversarialTask:
    config = settings(cuts, folder, **changes)
    task_class = MagnitudeTask if config.makes_magnitudes else WaveTask
    return task_class(config, launch(config.device, config.precision))


def first_batch(task: AdversarialTask) -> Batch:
    batch = max(task.epoch_batches(0), key=len)
    assert len(batch) >= 3
    return next(iter(task.load([batch], 0)))


def gradients(module: torch.nn.Module) -> dict[str, Tensor]:
    found = {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}
    module.zero_grad()
    return found


# -- exactness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", VOICES)
def test_interrupted_and_resumed_is_uninterrupted(
    voice: str, cuts: str, tokenizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = reading(voice, tokenizer)
    train(settings(cuts, tmp_path / "whole", **how))
    losses = AdversarialTask.losses

    def die_at_five(self: AdversarialTask, batch: Any) -> Any:
        if self.networks["generator"].average.num_updates == 5:
            raise KeyboardInterrupt
        return losses(self, batch)

    monkeypatch.setattr(AdversarialTask, "losses", die_at_five)
    with pytest.raises(KeyboardInterrupt):
        train(settings(cuts, tmp_path / "parts", **how))
    monkeypatch.setattr(AdversarialTask, "losses", losses)
    torch.manual_seed(99)
    train(settings(cuts, tmp_path / "parts", **how))
    whole, parts = last_state(tmp_path / "whole"), last_state(tmp_path / "parts")
    assert whole["step"] == 8 and whole["epoch"] > 0
    assert same({**whole, "settings": {}}, {**parts, "settings": {}})
    assert events(tmp_path / "whole", "valid")[-1] == events(tmp_path / "parts", "valid")[-1]


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("balanced", [True, False], ids=["balanced", "fixed weights"])
def test_a_batch_in_shares_gives_the_gradients_of_the_whole(
    voice: str, balanced: bool, cuts: str, tokenizer: str, tmp_path: Path
) -> None:
    balancer = BalancerConfig(enabled=balanced)
    adversarial = AdversarialConfig(lead_steps=0, judged_seconds=0.1)
    task = made(cuts, tmp_path, balancer=balancer, adversarial=adversarial, **reading(voice, tokenizer))
    updater = Updater(task, task.fabric)
    batch = max(task.epoch_batches(0), key=len)
    updater.update(0, list(task.load([batch], 0)))  # so that the balancer has seen every term
    found = []
    for num_shares in (1, 2, len(batch) + 1):  # of the last one is empty
        terms, _ = updater._backward(list(task.load(split(batch, num_shares), 0)))
        found.append((terms, [gradients(task.trained), gradients(task.discriminators)], task.balancer.take()))
    for terms, of_networks, measured in found[1:]:
        assert terms == pytest.approx(found[0][0], rel=1e-4)
        torch.testing.assert_close(measured, found[0][2], rtol=1e-3, atol=0)
        for network, whole in zip(of_networks, found[0][1], strict=True):
            assert network.keys() == whole.keys() and apart(network, whole) < 1e-3


def apart(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """Size of the difference beside the whole; single elements that all but cancel are nothing but rounding."""
    a, b = (torch.cat([values[name].flatten() for name in expected]) for values in (found, expected))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("voice", VOICES)
def test_an_empty_share_gives_finite_zeros(voice: str, cuts: str, tokenizer: str, tmp_path: Path) -> None:
    task = made(cuts, tmp_path, **reading(voice, tokenizer))
    (empty,) = task.load([[]], 0)
    terms = task.losses(empty)
    assert set(terms) > set(task.weights()) and all(value == 0 for value in terms.values())
    task.objective(terms).backward()
    for network in (task.trained, task.discriminators):
        assert all(not value.any() for value in gradients(network).values())
    task.after_update()
    assert not task.balancer.totals.any()


def judged(network: Discriminators, wave: Tensor, num_samples: Tensor) -> tuple[list[Judgement], list[Tensor]]:
    views = network(wave, num_samples)
    return views, [layer for view in views for layer in view.features]


@pytest.mark.parametrize("form", ["hinge", "least_squares"])
def test_each_side_learns_from_its_own_terms_alone(form: str, cuts: str, tmp_path: Path) -> None:
    """The gradients are those of two separate passes, with the other side frozen in each."""
    task = made(
        cuts,
        tmp_path,
        adversarial=AdversarialConfig(lead_steps=0, form=form, judged_seconds=10.0),
        balancer=BalancerConfig(enabled=False),
        loss=VocoderLossWeights(multi_scale_mel=0.1, adversarial=2.0, feature_matching=3.0),
    )
    batch = first_batch(task)
    task.objective(task.losses(batch)).backward()
    found = gradients(task.trained["network"]), gradients(task.discriminators)

    mask, num_samples = task._mask(batch.num_frames, batch.wave), batch.num_frames * task.hop_length
    wave = batch.wave * random_gains(batch, task.config.data.gain_db)
    output = task.trained["network"](task.log_mel(wave), mask.at(1)) * mask.at(16)
    real, real_features = judged(task.discriminators, wave, num_samples)
    decoded, _ = judged(task.discriminators, output.detach(), num_samples)
    frames = [view.score_frames for view in real]
    discriminator_loss(
        form, [view.score for view in real], [view.score for view in decoded], frames, num_samples
    ).backward()
    of_discriminators = gradients(task.discriminators)

    task.discriminators.requires_grad_(False)
    decoded, features = judged(task.discriminators, output, num_samples)
    feature_frames = [layer for view in decoded for layer in view.feature_frames]
    (
        0.1 * task.multi_scale_mel(output, wave, num_samples)
        + 2.0 * generator_loss(form, [view.score for view in decoded], frames, num_samples)
        + 3.0 * feature_matching_loss(real_features, features, feature_frames, num_samples)
    ).backward()
    of_generator = gradients(task.trained["network"])
    torch.testing.assert_close(found, (of_generator, of_discriminators), rtol=1e-4, atol=1e-6)


def test_discriminators_stay_as_they_are_until_their_step(cuts: str, tmp_path: Path) -> None:
    begun = made(cuts, tmp_path).discriminators.state_dict()
    train(settings(cuts, tmp_path / "before", total_steps=3))
    train(settings(cuts, tmp_path / "after", total_steps=4))
    before, after = (last_state(tmp_path / name)["networks"]["discriminators"] for name in ("before", "after"))
    assert same(dict(begun), dict(before["weights"])) and not same(dict(begun), dict(after["weights"]))
    named = events(tmp_path / "after", "train")
    assert "adversarial" not in named[2] and {"adversarial", "feature_matching", "discriminators"} <= set(named[3])
    assert not (tmp_path / "before" / "model" / "discriminators.safetensors").exists()
    assert (tmp_path / "after" / "model" / "discriminators.safetensors").exists()


def test_discriminators_learn_before_the_generator_hears_of_them(cuts: str, tmp_path: Path) -> None:
    for name, lead_steps in (("late", 2), ("never", 100)):
        adversarial = AdversarialConfig(start_step=2, lead_steps=lead_steps, judged_seconds=0.1)
        train(settings(cuts, tmp_path / name, total_steps=6, adversarial=adversarial))
    named = events(tmp_path / "late", "train")
    assert ["discriminators" in terms for terms in named] == [False, False, True, True, True, True]
    assert ["adversarial" in terms for terms in named] == [False, False, False, False, True, True]
    alone = events(tmp_path / "never", "train")
    assert [a["multi_scale_mel"] == b["multi_scale_mel"] for a, b in zip(named, alone, strict=True)][:5] == [True] * 5
    assert named[4]["discriminators"] == alone[4]["discriminators"]


def test_the_schedule_of_discriminators_begins_with_them(cuts: str, tmp_path: Path) -> None:
    optim = OptimConfig(learning_rate=1.0, final_learning_rate=0.0, warmup_steps=2)
    part = made(cuts, tmp_path, discriminator_optim=optim).networks["discriminators"]
    assert [part.learning_rate(step) for step in (3, 4, 5, 8)] == pytest.approx([0.5, 1.0, 1.0, 0.0])


def test_without_adversarial_terms_there_are_no_discriminators(cuts: str, tmp_path: Path) -> None:
    task = made(cuts, tmp_path, loss=VocoderLossWeights(adversarial=0.0, feature_matching=0.0))
    assert set(task.networks) == {"generator"}
    assert set(task.losses(first_batch(task))) >= set(task.weights()) == {"multi_scale_mel"}


# -- what comes out ----------------------------------------------------------------------------------------------------


def test_it_learns_and_leaves_a_vocoder_to_load(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path, total_steps=60, validate_every=30, checkpoint_every=60))
    distances = [event["multi_scale_mel"] for event in events(tmp_path, "train")]
    assert sum(distances[-10:]) < 0.7 * sum(distances[:10])
    vocoder, card = load_vocoder(tmp_path / "model")
    assert card.name == "tiny-vocoder" and vocoder(torch.full((1, 8, 5), -4.0)).shape == (1, 1, 80)
    weights = last_state(tmp_path)["networks"]["generator"]["average"]["weights"]
    assert isinstance(vocoder.head, ISTFTHead)
    torch.testing.assert_close(vocoder.head.project.bias, weights["network.head.project.bias"], rtol=1e-3, atol=1e-4)


ALONE: dict[str, Any] = {"model": MAGNITUDES, "loss": VocoderLossWeights(adversarial=0.0, feature_matching=0.0)}


def test_magnitudes_are_learned_beyond_unfolding(cuts: str, tmp_path: Path) -> None:
    sums = []
    for rate in (1e-2, 0.0):
        optim = OptimConfig(learning_rate=rate, final_learning_rate=rate, warmup_steps=2)
        folder = tmp_path / str(rate)
        train(settings(cuts, folder, total_steps=40, validate_every=40, checkpoint_every=40, optim=optim, **ALONE))
        distances = [event["magnitude"] for event in events(folder, "train")]
        assert distances[0] == pytest.approx(unfolded_distance(cuts, folder), rel=1e-3)
        sums.append(sum(distances[-10:]))
    assert sums[0] < 0.985 * sums[1]
    vocoder, _ = load_vocoder(tmp_path / "0.01" / "model")
    assert vocoder(torch.full((1, 8, 5), -4.0)).shape == (1, 33, 5)


def unfolded_distance(cuts: str, folder: Path) -> float:
    """The loss of the first batch when mels are only unfolded."""
    config = settings(cuts, folder, **ALONE)
    task = MagnitudeTask(config, launch(config.device, config.precision))
    batch = next(iter(task.load([task.epoch_batches(0)[0]], 0)))
    wave = batch.wave * random_gains(batch, config.data.gain_db)
    mel, true = task.log_mel(wave), task.log_mel.magnitude(wave)
    unfolded = Unfold(MEL)(mel.exp().transpose(1, 2)).transpose(1, 2)
    mask = (torch.arange(mel.shape[2]) < batch.num_frames[:, None])[:, None].float()
    difference = (unfolded.clamp(min=1e-5) ** 0.3 - true.clamp(min=1e-5) ** 0.3).abs() * mask
    return float(difference.sum() / (mask.sum() * 33))


def test_a_new_decoder_reads_every_old_code(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path, **reading("codes", tokenizer)))
    old, new = audiovq.load(tokenizer), audiovq.load(tmp_path / "model")
    assert codes_hash(old.model) == codes_hash(new.model) and new.model.config.head == "istft"
    codes = old.encode(0.1 * torch.randn(3000), sample_rate=RATE)
    for levels in (1, 2, 3):
        wave = new.decode(codes, levels=levels)
        assert wave.shape == (1, 3000) and wave.isfinite().all() and wave.any()


def test_a_new_decoder_begins_with_what_fits_of_the_old(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    old, _ = load_model(Path(tokenizer))
    decoder = made(cuts, tmp_path, **reading("codes", tokenizer)).trained["network"].state_dict()
    before = old.decoder.state_dict()
    assert all(torch.equal(decoder[name], before[name]) for name in before if name.startswith(("stacks", "up")))
    assert decoder["head.project.weight"].shape[0] == 4 * 16 + 2


@pytest.mark.parametrize("voice", ["true", "codes", "magnitudes"])
def test_a_run_can_begin_with_a_model_and_its_discriminators(
    voice: str, cuts: str, tokenizer: str, tmp_path: Path
) -> None:
    how = reading(voice, tokenizer)
    train(settings(cuts, tmp_path / "first", **how))
    folder = tmp_path / "first" / "model"
    task = made(cuts, tmp_path / "second", init_from=str(folder), **how)
    assert same(safetensors.torch.load_file(folder / "discriminators.safetensors"), halved(task.discriminators))
    saved = load_model(folder)[0].decoder if voice == "codes" else load_vocoder(folder)[0]
    assert same(dict(saved.state_dict()), dict(task.trained["network"].state_dict()))


def halved(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.half() for name, value in module.state_dict().items()}


def test_validation_tells_of_everything_that_can_be_read(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    other = saved_tokenizer(tmp_path / "other", seed=1)
    task = made(cuts, tmp_path, tokenizers=[tokenizer, other], decoded_share=0.5)
    views = ("true", tokenizer, other)
    looked = task.validate(0, lambda: True)
    assert looked is not None
    distances = [looked.scalars[f"mel_l1_nats/{view}"] for view in views]
    assert len(set(distances)) == 3
    assert looked.score == pytest.approx(0.5 * distances[0] + 0.25 * distances[1] + 0.25 * distances[2])
    assert set(looked.sounds) == {f"clip{clip}/{kind}" for clip in range(3) for kind in ("original", *views)}
    assert task.validate(0, lambda: False) is None


# -- data --------------------------------------------------------------------------------------------------------------


def test_windows_are_drawn_anew_each_epoch_and_alike_for_everyone(cuts: str) -> None:
    cut = max(read_cuts(Path(cuts), None), key=lambda cut: cut.duration)
    windows = [random_window(cut, epoch, 0.2, 1) for epoch in range(20)]
    assert windows == [random_window(cut, epoch, 0.2, 1) for epoch in range(20)]
    assert len({window.start for window in windows}) > 10
    assert all(window.start >= cut.start and window.end <= cut.end + 1e-9 for window in windows)
    assert all(window.load_audio().shape == (1, RATE // 5) for window in windows)
    assert random_window(cut, 0, 60.0, 1) == cut


def test_which_items_are_decoded_is_up_to_the_items(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    other = saved_tokenizer(tmp_path / "other", seed=1)
    task = made(cuts, tmp_path, tokenizers=[tokenizer, other], decoded_share=0.6)
    batch = first_batch(task)
    mask = task._mask(batch.num_frames, batch.wave)
    seeds = torch.arange(len(batch.wave))
    read = task._read(batch.wave, mask, None, seeds)[0]
    views = [task.generator.read(batch.wave, mask, view)[0] for view in ("true", tokenizer, other)]
    same_as = [[torch.allclose(view[item], mel, atol=1e-4) for view in views] for item, mel in enumerate(read)]
    assert all(sum(fits) == 1 for fits in same_as)
    assert all(any(fits[number] for fits in same_as) for number in range(3))
    turned = task._read(batch.wave.flip(0), task._mask(batch.num_frames.flip(0), batch.wave), None, seeds.flip(0))[0]
    torch.testing.assert_close(turned.flip(0), read, atol=1e-4, rtol=1e-4)


# -- what cannot work --------------------------------------------------------------------------------------------------


def test_a_tokenizer_of_other_mels_is_refused_by_field(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    model = VocoderConfig(mel=dataclasses.replace(MEL, fmax=3000.0, floor=1e-4), width=16)
    with pytest.raises(ModelError, match=r"fmax is 4000\.0, expected 3000\.0; floor is 1e-05, expected 0\.0001"):
        train(settings(cuts, tmp_path, model=model, **reading("decoded", tokenizer)))


def test_a_run_does_not_go_on_with_another_tokenizer(cuts: str, tmp_path: Path) -> None:
    how = reading("codes", saved_tokenizer(tmp_path / "tokenizer"))
    train(settings(cuts, tmp_path / "run", **how))
    saved_tokenizer(tmp_path / "tokenizer", seed=1)
    with pytest.raises(ChangedConfigError, match="tokenizers_sha256"):
        train(settings(cuts, tmp_path / "run", **how))


def test_a_decoder_of_other_codes_is_no_beginning(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    other = saved_tokenizer(tmp_path / "other", seed=1)
    train(settings(cuts, tmp_path / "first", **reading("codes", other), total_steps=1))
    with pytest.raises(ModelError, match="reads other codes"):
        made(cuts, tmp_path / "second", init_from=str(tmp_path / "first" / "model"), **reading("codes", tokenizer))


def test_another_form_is_no_beginning(cuts: str, tmp_path: Path) -> None:
    train(settings(cuts, tmp_path / "first", total_steps=1))
    wider = dataclasses.replace(settings(cuts, tmp_path).model, width=20, num_blocks=2)
    with pytest.raises(ModelError, match="is another model than this configuration: width, num_blocks"):
        made(cuts, tmp_path / "second", init_from=str(tmp_path / "first" / "model"), model=wider)


def test_one_number_of_blocks_a_level(cuts: str, tokenizer: str, tmp_path: Path) -> None:
    decoder = WaveDecoderConfig(decoder_blocks=[1, 2])
    with pytest.raises(ValueError, match=r"decoder_blocks are \[1, 2\], expected one for each of the 3 levels"):
        made(cuts, tmp_path, decoder=decoder, tokenizers=[tokenizer], source="codes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "wave"}, "source is 'wave', expected one of mel, codes"),
        ({"source": "codes"}, r"source=codes needs one: tokenizers=\[NAME_OR_FOLDER\]"),
        ({"source": "codes", "tokenizers": ["x", "y"]}, "source=codes needs one"),
        ({"decoded_share": 0.5}, r"add tokenizers=\[NAME_OR_FOLDER\]"),
        ({"decoded_share": 1.5, "tokenizers": ["x"]}, r"decoded_share is 1\.5, expected 0 to 1"),
        ({"precision": "16-mixed"}, "use bf16-mixed or 32-true"),
    ],
)
def test_contradictions_are_errors(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        settings("none", tmp_path, **change)


def test_an_unknown_adversarial_form_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"adversarial\.form is 'wgan', expected one of hinge, least_squares"):
        AdversarialConfig(form="wgan")


# -- configurations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("experiment", ["debian_speech_voc1", "debian_speech_voc2", "mini_voc1"])
def test_every_experiment_composes_and_builds(experiment: str) -> None:
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path="../../configs"):
        composed = compose("train_vocoder", overrides=[f"experiment={experiment}"])
    config = cast(TrainVocoderConfig, OmegaConf.to_object(composed))
    assert isinstance(config, TrainVocoderConfig)
    assert Vocoder(config.model).context > 0
    assert wave_discriminators(config.discriminators).views and magnitude_discriminators(config.discriminators).views
