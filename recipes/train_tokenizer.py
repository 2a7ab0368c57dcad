"""Train a tokenizer: a hierarchical VQ-VAE on spectral losses, its codebooks started from real latents.

    python -m recipes.train_tokenizer experiment=debian_speech_codec1 output_dir=exp/my_run
    python -m recipes.train_tokenizer experiment=debian_speech_codec1 model.hierarchy=residual optim.learning_rate=3e-4
    torchrun --standalone --nproc-per-node 4 -m recipes.train_tokenizer experiment=debian_speech_codec1

The same command again goes on from the last checkpoint in output_dir. Exit code 75 means that it was asked to stop, has
saved, and wants to be called again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from lightning_fabric import Fabric
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.build import config_to_dict, differing_fields
from audiovq.data.augment import random_gains, random_prefixes
from audiovq.data.loader import Batch, load, ordered_batches, pick_evenly, read_cuts, spread
from audiovq.data.source import HearsSource, open_source
from audiovq.losses.masked import l1_loss, log_mel_loss, relative_l2_loss
from audiovq.losses.spectral import MultiScaleMelLoss, multi_scale_stft_loss
from audiovq.metrics.codebook import code_counts, entropy, perplexity, usage
from audiovq.models import VQVAE, VQVAEOutput
from audiovq.models.beginning import untrained
from audiovq.models.panning import mono_mel
from audiovq.models.predictor import LevelPredictor
from audiovq.models.stereo import split
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import find, load_model, save_model
from audiovq.quantize.kmeans import evenly_spaced
from audiovq.system.distributed import all_reduce_sum, gather_rows, rank, world_size
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests, ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.shares import own_shares
from audiovq.train.task import Task, Trained, Validation
from audiovq.train.update import NotFiniteError
from recipes.schema import TrainTokenizerConfig, register

register()

COLLAPSE_GRACE_STEPS = 500  # after the codebooks' start, before a level may be called collapsed
NUM_CLIPS = 3  # of the validation data, to look at and to listen to


class CollapsedLevelError(RuntimeError):
    """A level that has stopped carrying information."""


class TokenizerTask(HearsSource, Task[Any, Batch]):
    """A hierarchical VQ-VAE, its data and its losses."""

    def __init__(self, config: TrainTokenizerConfig, fabric: Fabric) -> None:
        self.config, self.fabric = config, fabric
        torch.manual_seed(config.seed)
        self.model = initial_model(config).to(fabric.device)
        self.defines_codes = (self.model.encoder, self.model.hierarchy)
        if config.keep_codes:
            for part in self.defines_codes:
                part.requires_grad_(False)
        self.networks = {"model": Trained(self.model, config.optim, config.total_steps)}
        if config.loss.predictor:
            self.predictor = LevelPredictor(config.model).to(fabric.device)
            self.networks["predictor"] = Trained(self.predictor, config.optim, config.total_steps)
        self.forward: Callable[..., VQVAEOutput] = torch.compile(self.model) if config.compile else self.model
        self.average_model = VQVAE(config.model).to(fabric.device).eval()
        self.multi_scale_mel = MultiScaleMelLoss(config.model.sample_rate).to(fabric.device)
        self.hop_length = config.model.hop_lengths[0]
        self.sound = open_source(config.data, self.hop_length, config.seed, fabric.device, ignore_stop_requests)
        valid_cuts = read_cuts(Path(config.data.valid_cuts), config.data.window_seconds)
        self.valid_cuts = spread(valid_cuts, config.data.valid_seconds)

    # -- losses --------------------------------------------------------------------------------------------------

    def weights(self) -> Mapping[str, float]:
        names = ["mel", "prefixes"] + ([] if self.config.keep_codes else ["commitment", "predictor"])
        if self.config.model.head != "mel":
            names += ["multi_scale_mel", "multi_scale_stft", "wave"]
        return {name: getattr(self.config.loss, name) for name in names if getattr(self.config.loss, name)}

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        self._begin_training()
        batch = self._coded(replace(batch, wave=batch.wave * random_gains(batch, self.config.data.gain_db)))
        mask, wave = self._mask(batch), batch.wave
        output = self.forward(
            wave, mask, random_prefixes(batch, self.config.model.num_levels, self.config.level_dropout)
        )
        predicted, weights, model = output.output.float(), self.weights(), self.config.model
        num_samples = batch.num_frames * self.hop_length
        if model.head != "mel":
            predicted = predicted * mask.at(self.hop_length)  # heads that overlap frames spill past an item's end
        terms: dict[str, Tensor] = {}
        if "commitment" in weights:
            terms["commitment"] = torch.stack([level.commitment_loss for level in output.quantized]).mean()
        mel, mel_mask = self.model.mel(wave), mask.at(self.hop_length // model.mel.hop_length)
        if "mel" in weights:
            terms["mel"] = self._mel_loss(predicted, mel, mel_mask)
        if "prefixes" in weights:
            decoded = [level.latent for level in output.quantized]
            keeps = [torch.full_like(batch.num_frames, levels, device=mel.device) for levels in range(1, len(decoded))]
            distances = [self._mel_loss(self.model.read(decoded, keep, mask), mel, mel_mask) for keep in keeps]
            terms["prefixes"] = torch.stack(distances).mean()
        if "predictor" in weights:
            guesses = self.predictor([level.latent for level in output.quantized[:-1]], mask)
            distances = [
                relative_l2_loss(guess, latent.detach(), mask.at(factor))
                for guess, latent, factor in zip(guesses, output.latents[1:], self.predictor.factors[1:], strict=True)
            ]
            terms["predictor"] = torch.stack(distances).mean()
        if "multi_scale_mel" in weights:
            terms["multi_scale_mel"] = self.multi_scale_mel(predicted, wave, num_samples)
        if "multi_scale_stft" in weights:
            terms["multi_scale_stft"] = multi_scale_stft_loss(predicted, wave, num_samples)
        if "wave" in weights:
            terms["wave"] = l1_loss(predicted, wave, mask.at(self.hop_length))
        return terms

    def _mel_loss(self, output: Tensor, mel: Tensor, mask: Tensor) -> Tensor:
        return log_mel_loss(self._as_mel(output), mel, mask, self.config.loss.loudness_power)

    def _begin_training(self) -> None:
        self.model.train()
        if self.config.keep_codes:
            for part in self.defines_codes:  # in training mode, quantizers learn without gradients
                part.eval()

    def before_step(self, step: int) -> str | None:
        if step != self.config.quantizer_start_step or all(q.started for q in self.model.hierarchy.quantizers):
            return None
        self.start_quantizers()
        return "the codebooks start from real latents"

    def after_update(self) -> None:
        self.model.hierarchy.update_quantizers()

    def discard(self) -> None:
        self.model.hierarchy.discard_statistics()

    def _coded(self, batch: Batch) -> Batch:
        """What the network hears of the channels of a batch: an item for each set of codes."""
        waves = split(batch.wave, self.config.model.stereo)
        num_sets = waves.shape[1]
        frames, seeds = (of.repeat_interleave(num_sets) for of in (batch.num_frames, batch.seeds))
        return replace(batch, wave=waves.flatten(0, 1), num_frames=frames, seeds=seeds)

    def _mask(self, batch: Batch) -> FrameMask:
        return FrameMask.from_lengths(batch.num_frames, batch.wave.shape[-1] // self.hop_length)

    @torch.no_grad()
    def start_quantizers(self) -> None:
        """Fit each level, coarse first, to latents that see the coarser levels quantised."""
        hierarchy = self.model.hierarchy
        wanted = [
            0 if quantizer.started else self.config.kmeans_latents_per_entry * quantizer.codebook_size
            for quantizer in hierarchy.quantizers
        ]
        heard = self._heard(max(-(-count // factor) for count, factor in zip(wanted, hierarchy.factors, strict=True)))
        for level, quantizer in enumerate(hierarchy.quantizers):
            if quantizer.started:
                continue
            latents = []
            for features, mask in heard:
                with self.fabric.autocast():
                    latent = hierarchy(features, mask)[0][level]
                latents.append(gather_rows(mask.select(latent.float().transpose(1, 2))))
            quantizer.start(evenly_spaced(torch.cat(latents), wanted[level]))

    def _heard(self, num_frames: int) -> list[tuple[list[Tensor], FrameMask]]:
        """The encoder's features of so many coarsest frames of all processes, or of all that there are."""
        epoch = -1  # an order of its own
        shares = [own_shares(batch, rank(), world_size(), accumulate=1)[0] for batch in self.epoch_batches(epoch)]
        self.model.eval()
        heard: list[tuple[list[Tensor], FrameMask]] = []
        for share in self.load(shares, epoch):
            batch = self._coded(self.fabric.to_device(share))
            mask = self._mask(batch)
            with self.fabric.autocast():
                heard.append((self.model.encoder(self.model.features(batch.wave), mask), mask))
            num_frames -= int(all_reduce_sum(mask.at(1).sum()))
            if num_frames <= 0:
                break
        return heard

    # -- looking at it ---------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Log-mel distance of every prefix of levels, and use of every level."""
        config = self.config.model
        model = self._averaged()
        distances = torch.zeros(config.num_levels + 1, device=self.fabric.device)  # of each prefix; frames
        counts = [
            torch.zeros(k, v, dtype=torch.int64, device=self.fabric.device)
            for k, v in zip(config.num_codebooks, config.codebook_sizes, strict=True)
        ]
        batches = ordered_batches(self.valid_cuts, self.config.data.batch_seconds)
        num_mels = config.num_channels * config.mel.num_mels

        def look(share: Batch) -> None:
            batch = self._coded(self.fabric.to_device(share))
            mask = self._mask(batch)
            codes = model.encode(model.features(batch.wave), mask)
            mel, mel_mask = model.mel(batch.wave), mask.at(self.hop_length // config.mel.hop_length)
            distances[-1] += mel_mask.sum()
            for level in range(config.num_levels):
                decoded = self._as_mel(model.decode(codes[: level + 1], mask))
                # Of log-mels alone, whatever a joint model says beside them.
                distances[level] += l1_loss(decoded[:, :num_mels], mel[:, :num_mels], mel_mask) * mel_mask.sum()
                counts[level] += code_counts(mask.select(codes[level].transpose(1, 2)).T, config.codebook_sizes[level])

        own = load(batches[rank() :: world_size()], self.hop_length, num_channels=self.config.data.num_channels)
        if not in_rounds(own, len(batches), go_on, look):
            return None
        all_reduce_sum(distances)
        by_levels = (distances[:-1] / distances[-1]).tolist()
        counts = [all_reduce_sum(level).cpu() for level in counts]
        self._check_collapse(step, counts)
        return self._validation(by_levels, counts)

    def _validation(self, by_levels: list[float], counts: list[Tensor]) -> Validation:
        pictures, sounds = self._clips() if rank() == 0 else ({}, {})
        scalars = {f"mel_l1_nats/levels{level}": value for level, value in enumerate(by_levels, start=1)}
        for level, count in enumerate(counts):
            for measure in (usage, perplexity, entropy):
                for codebook, value in enumerate(measure(count).tolist()):
                    scalars[f"{measure.__name__}/level{level}_codebook{codebook}"] = value
        values = {
            "mel_l1_nats_by_levels": [round(value, 4) for value in by_levels],
            "usage": [[round(float(u), 3) for u in usage(level)] for level in counts],
            "perplexity": [[round(float(p)) for p in perplexity(level)] for level in counts],
            "entropy_bits": [[round(float(e), 2) for e in entropy(level)] for level in counts],
        }
        return Validation(by_levels[-1], values, scalars, pictures, sounds, self.config.model.sample_rate)

    def _clips(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Log-mels and sounds of some utterances, before and after."""
        pictures, sounds = {}, {}
        for clip, cut in enumerate(pick_evenly(self.valid_cuts, NUM_CLIPS)):
            (batch,) = load([[cut]], self.hop_length, num_channels=self.config.data.num_channels)
            wave = self._coded(self.fabric.to_device(batch)).wave
            codes = self.average_model.encode(self.average_model.features(wave))
            decoded = self.average_model.decode(codes)
            for name, sound in (("original", wave), ("decoded", decoded)):
                pictures[f"clip{clip}/{name}"] = self._as_mel(sound)[0].cpu()
                sounds[f"clip{clip}/{name}"] = self._as_sound(sound)[0].cpu()
        return pictures, sounds

    def _as_mel(self, output: Tensor) -> Tensor:
        return output if output.shape[1] == self.config.model.num_bands else self.average_model.mel(output)

    def _as_sound(self, output: Tensor) -> Tensor:
        """Of a joint model only the mean of both channels. Shape: (B, c or M, n) -> (1, 1, T)."""
        if output.shape[1] == self.config.model.num_channels:
            return output[:1].mean(1, keepdim=True)
        mel = output[0] if self.config.model.num_channels == 1 else mono_mel(*output[0].chunk(3)[:2])
        vocoder = MelGriffinLim(self.config.model.mel)
        return torch.cat([vocoder.push(mel), vocoder.flush()])[None, None]

    def _check_collapse(self, step: int, counts: list[Tensor]) -> None:
        if step <= self.config.quantizer_start_step + COLLAPSE_GRACE_STEPS:
            return
        for level, count in enumerate(counts):
            lowest, size = float(perplexity(count).min()), self.config.model.codebook_sizes[level]
            if lowest < self.config.collapse_share * size:
                raise CollapsedLevelError(
                    f"step {step}: level {level} collapsed: perplexity {lowest:.1f} of {size} entries; "
                    f"the checkpoints in {self.config.output_dir} are from before"
                )

    def _averaged(self) -> VQVAE:
        self.average_model.load_state_dict(self.networks["model"].average.weights)
        return self.average_model

    def export(self, folder: Path) -> None:
        save_model(folder, self._averaged(), self.config.name, self.config.licence)


def initial_model(config: TrainTokenizerConfig) -> VQVAE:
    """The network of a new run: random, or ``init_from`` with its codebooks already started.

    Raises: ValueError when ``init_from`` is another model and ``init_partly`` does not allow that.
    """
    if not config.init_from:
        return untrained(config.model)
    source, card = load_model(find(config.init_from))
    differing = differing_fields(card.config, config.model)
    if not differing:
        return source
    if not config.init_partly:
        raise ValueError(
            f"init_from={config.init_from} is another model than this configuration: {', '.join(differing)}; "
            "init_partly=true takes over what fits"
        )
    model = untrained(config.model)
    fitting = tensors_that_fit(source.state_dict(), model.state_dict())
    model.load_state_dict(fitting, strict=False)
    print(
        f"init_from={config.init_from}: {len(fitting)} of {len(model.state_dict())} tensors fit, the others begin anew"
    )
    return model


def tensors_that_fit(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of ``source`` whose name and shape ``target`` has; a quantizer fits whole or not at all."""
    fits = {name: name in source and source[name].shape == tensor.shape for name, tensor in target.items()}
    quantizers = [name.removesuffix("codebook") for name in target if name.endswith(".codebook")]
    broken = [prefix for prefix in quantizers if not all(fits[name] for name in fits if name.startswith(prefix))]
    return {name: source[name] for name, fit in fits.items() if fit and not name.startswith(tuple(broken))}


def train(config: TrainTokenizerConfig) -> int:
    """Run, or go on with, the training that ``config`` describes. Returns the exit code."""
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        return Loop(TokenizerTask(config, fabric), config, config_to_dict(config), fabric, stop).run()


@hydra.main(version_base="1.3", config_path="../configs", config_name="train_tokenizer")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        sys.exit(train(cast(TrainTokenizerConfig, OmegaConf.to_object(config))))
    except (OSError, ValueError, MemoryError, NotFiniteError, CollapsedLevelError) as error:
        sys.exit(f"train_tokenizer: {error}")


if __name__ == "__main__":
    main()
