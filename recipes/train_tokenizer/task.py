"""What is trained: a hierarchical VQ-VAE, its losses, and codebooks started from real latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from audiovq.data.augment import random_gains, random_prefixes
from audiovq.data.loader import Batch
from audiovq.data.source import HearsSource, open_source
from audiovq.losses.masked import l1_loss, log_mel_loss, relative_l2_loss
from audiovq.losses.spectral import MultiScaleMelLoss, multi_scale_stft_loss
from audiovq.models import VQVAE, VQVAEOutput
from audiovq.models.predictor import LevelPredictor
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import save_model
from audiovq.quantize.kmeans import evenly_spaced
from audiovq.system.distributed import all_reduce_sum, gather_rows, rank, world_size
from audiovq.train.preemption import ignore_stop_requests
from audiovq.train.shares import own_shares
from audiovq.train.task import Task, Trained, Validation
from recipes.schema import TrainTokenizerConfig
from recipes.train_tokenizer.beginning import initial_model
from recipes.train_tokenizer.hearing import as_mel, heard
from recipes.train_tokenizer.looking import Looker


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
        self.looker = Looker(config, self.average_model, fabric)

    def weights(self) -> Mapping[str, float]:
        names = ["mel", "prefixes"] + ([] if self.config.keep_codes else ["commitment", "predictor"])
        if self.config.model.head != "mel":
            names += ["multi_scale_mel", "multi_scale_stft", "wave"]
        return {name: getattr(self.config.loss, name) for name in names if getattr(self.config.loss, name)}

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        self._begin_training()
        louder = replace(batch, wave=batch.wave * random_gains(batch, self.config.data.gain_db))
        batch, mask = heard(louder, self.config.model)
        wave = batch.wave
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
        model = self.average_model
        return log_mel_loss(as_mel(output, model), mel, mask, self.config.loss.loudness_power, model.loudness)

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

    @torch.no_grad()
    def start_quantizers(self) -> None:
        """Fit each level, coarse first, to latents that see the coarser levels quantised."""
        hierarchy = self.model.hierarchy
        wanted = [
            0 if quantizer.started else self.config.kmeans_latents_per_entry * quantizer.codebook_size
            for quantizer in hierarchy.quantizers
        ]
        features_of = self._features(
            max(-(-count // factor) for count, factor in zip(wanted, hierarchy.factors, strict=True))
        )
        for level, quantizer in enumerate(hierarchy.quantizers):
            if quantizer.started:
                continue
            latents = []
            for features, mask in features_of:
                with self.fabric.autocast():
                    latent = hierarchy(features, mask)[0][level]
                latents.append(gather_rows(mask.select(latent.float().transpose(1, 2))))
            quantizer.start(evenly_spaced(torch.cat(latents), wanted[level]))

    def _features(self, num_frames: int) -> list[tuple[list[Tensor], FrameMask]]:
        """The encoder's features of so many coarsest frames of all processes, or of all that there are."""
        epoch = -1  # an order of its own
        shares = [own_shares(batch, rank(), world_size(), accumulate=1)[0] for batch in self.epoch_batches(epoch)]
        self.model.eval()
        found: list[tuple[list[Tensor], FrameMask]] = []
        for share in self.load(shares, epoch):
            batch, mask = heard(self.fabric.to_device(share), self.config.model)
            with self.fabric.autocast():
                found.append((self.model.encoder(self.model.features(batch.wave), mask), mask))
            num_frames -= int(all_reduce_sum(mask.at(1).sum()))
            if num_frames <= 0:
                break
        return found

    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        self._averaged()
        return self.looker.validate(step, go_on)

    def _averaged(self) -> VQVAE:
        self.average_model.load_state_dict(self.networks["model"].average.weights)
        return self.average_model

    def export(self, folder: Path) -> None:
        save_model(folder, self._averaged(), self.config.name, self.config.licence)
