"""Train a tokenizer: a hierarchical VQ-VAE on spectral losses, its codebooks started from real latents.

    python -m recipes.train_tokenizer experiment=debian_speech_codec1 output_dir=exp/my_run
    python -m recipes.train_tokenizer experiment=debian_speech_codec1 model.hierarchy=residual optim.learning_rate=3e-4

The same command again goes on from the last checkpoint in output_dir.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from lhotse import CutSet
from lightning_fabric import Fabric
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from audiovq.build import config_to_dict
from audiovq.data.loader import Batch, epoch_batches, load, ordered_batches, read_cuts, spread
from audiovq.losses.masked import l1_loss
from audiovq.losses.spectral import MultiScaleMelLoss, multi_scale_stft_loss
from audiovq.metrics.codebook import code_counts, perplexity, usage
from audiovq.models import VQVAE, VQVAEOutput
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import find, load_model, save_model
from audiovq.train.averaging import WeightAverage
from audiovq.train.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from audiovq.train.schedule import warmup_cosine
from recipes.schema import TrainTokenizerConfig, register

register()


COLLAPSE_GRACE_STEPS = 500  # after the codebooks' start, before a level may be called collapsed


class CollapsedLevelError(RuntimeError):
    """A level that has stopped carrying information."""


class TokenizerTraining:
    """One run: its model, optimizer, averaged weights, position in the data, and log."""

    def __init__(self, config: TrainTokenizerConfig, fabric: Fabric) -> None:
        self.config = config
        self.fabric = fabric
        self.folder = Path(config.output_dir)
        torch.manual_seed(config.seed)
        self.raw_model = initial_model(config)
        self.average = WeightAverage(self.raw_model, config.optim.averaging_decay)
        optimizer = torch.optim.AdamW(
            self.raw_model.parameters(),
            betas=(config.optim.betas[0], config.optim.betas[1]),
            weight_decay=config.optim.weight_decay,
        )
        self.model, self.optimizer = fabric.setup(self.raw_model, optimizer)
        self.average_model = VQVAE(config.model).to(fabric.device).eval()
        self.multi_scale_mel = MultiScaleMelLoss(config.model.sample_rate).to(fabric.device)
        self.step, self.epoch, self.batches_done, self.audio_seconds = 0, 0, 0, 0.0
        self.hop_length = config.model.hop_lengths[0]

    # -- steps ---------------------------------------------------------------------------------------------------

    def run(self, train_cuts: CutSet, valid_cuts: CutSet) -> None:
        config = self.config
        started, reported, heard = time.monotonic(), time.monotonic(), self.audio_seconds
        for batch in self._batches(train_cuts):
            if self.step == config.quantizer_start_step and not config.init_from:
                self.start_quantizers(train_cuts)
            terms = self.train_step(batch)
            self.step += 1
            self.audio_seconds += float(batch.num_frames.sum()) * self.hop_length / config.model.sample_rate
            if self.step % config.log_every == 0:
                now = time.monotonic()
                values = {name: round(float(value), 4) for name, value in terms.items()}
                left = (config.total_steps - self.step) * (now - reported) / config.log_every
                self.log(
                    "train",
                    **values,
                    audio_seconds_per_second=round((self.audio_seconds - heard) / (now - reported), 1),
                    minutes_left=round(left / 60, 1),
                )
                reported, heard = now, self.audio_seconds
            done = self.step >= config.total_steps
            out_of_time = 0 < config.time_budget_minutes * 60 <= time.monotonic() - started
            if self.step % config.validate_every == 0 or done or out_of_time:
                self.validate(valid_cuts)
                reported, heard = time.monotonic(), self.audio_seconds
            if self.step % config.checkpoint_every == 0 or done or out_of_time:
                self.save()
            if done or out_of_time:
                return

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """One update; returns the value of every loss term."""
        self.model.train()
        optim = self.config.optim
        for group in self.optimizer.param_groups:
            group["lr"] = warmup_cosine(
                self.step, peak=optim.learning_rate, final=optim.final_learning_rate,
                warmup_steps=optim.warmup_steps, total_steps=self.config.total_steps,
            )  # fmt: skip
        mask = self._mask(batch)
        wave = batch.wave * self._random_gain(batch.wave)
        output: VQVAEOutput = self.model(wave, mask, self._random_prefix(len(wave)))
        terms = self.loss_terms(output, wave, mask)
        weights = self.config.loss
        loss = torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
        if not torch.isfinite(loss):
            values = {name: value.item() for name, value in terms.items()}
            raise RuntimeError(f"step {self.step}: the loss is {loss.item()}; its terms are {values}")
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.model, self.optimizer, max_norm=optim.max_gradient_norm)
        self.optimizer.step()
        self.average.update(self.raw_model)
        return {"loss": loss.detach(), **{name: value.detach() for name, value in terms.items()}}

    def loss_terms(self, output: VQVAEOutput, wave: Tensor, mask: FrameMask) -> dict[str, Tensor]:
        """Every term with a weight, under the name of its weight."""
        weights, model = self.config.loss, self.config.model
        predicted = output.output.float()
        is_mel = model.head == "mel"
        predicted_mel = predicted if is_mel else self.raw_model.log_mel(predicted)
        mel_mask = mask.at(self.hop_length // model.mel.hop_length)
        terms = {"commitment": torch.stack([level.commitment_loss for level in output.quantized]).mean()}
        if weights.mel:
            terms["mel"] = l1_loss(predicted_mel, self.raw_model.log_mel(wave), mel_mask)
        if weights.multi_scale_mel and not is_mel:
            terms["multi_scale_mel"] = self.multi_scale_mel(predicted, wave)
        if weights.multi_scale_stft and not is_mel:
            terms["multi_scale_stft"] = multi_scale_stft_loss(predicted, wave)
        if weights.wave and not is_mel:
            terms["wave"] = l1_loss(predicted, wave, mask.at(self.hop_length))
        return terms

    def _mask(self, batch: Batch) -> FrameMask:
        num_frames = batch.num_frames.to(self.fabric.device)
        return FrameMask.from_lengths(num_frames, batch.wave.shape[-1] // self.hop_length)

    def _random_gain(self, wave: Tensor) -> Tensor:
        decibels = (2 * torch.rand(len(wave), 1, 1) - 1) * self.config.data.gain_db
        peak = wave.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-4)
        return torch.minimum((10 ** (decibels / 20)).to(wave.device), 0.99 / peak)

    def _random_prefix(self, num_items: int) -> Tensor:
        levels = self.config.model.num_levels
        whole = torch.rand(num_items) >= self.config.level_dropout
        prefix = torch.randint(1, max(2, levels), (num_items,))
        return torch.where(whole, levels, prefix).to(self.fabric.device)

    @torch.no_grad()
    def start_quantizers(self, cuts: CutSet) -> None:
        """k-means on the latents of enough batches, the same on every process."""
        self.log("start", note="codebooks start from real latents")
        wanted = self.config.kmeans_latents_per_entry * max(self.config.model.codebook_sizes)
        gathered: list[list[Tensor]] = [[] for _ in self.config.model.levels]
        for batch in self._loader(epoch_batches(cuts, self.config.data.batch_seconds, self.config.seed, epoch=10**6)):
            mask = self._mask(batch)
            output: VQVAEOutput = self.model(batch.wave, mask)
            for level, latent in enumerate(output.latents):
                kept = mask.at(latent.shape[-1] // mask.valid.shape[-1])[:, 0] > 0
                gathered[level].append(latent.float().transpose(1, 2)[kept])
            if sum(len(part) for part in gathered[0]) >= wanted:
                break
        for quantizer, parts in zip(self.raw_model.hierarchy.quantizers, gathered, strict=True):
            latents = torch.cat(parts)
            quantizer.start(latents[torch.randperm(len(latents), device=latents.device)[:wanted]])

    # -- data ----------------------------------------------------------------------------------------------------

    def _batches(self, cuts: CutSet) -> Iterator[Batch]:
        data = self.config.data
        while True:
            batches = epoch_batches(cuts, data.batch_seconds, self.config.seed, self.epoch, data.speeds)
            for batch in self._loader(batches[self.batches_done :]):
                self.batches_done += 1
                yield batch
            self.epoch, self.batches_done = self.epoch + 1, 0

    def _loader(self, batches: list[CutSet]) -> Any:
        return self.fabric.setup_dataloaders(
            load(batches, self.hop_length, self.config.data.num_workers), use_distributed_sampler=False
        )

    # -- looking at it ---------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def validate(self, cuts: CutSet) -> None:
        """Log-mel distance of every prefix of levels and use of every level, with the averaged weights.

        They are left in ``model``, ready for audiovq.load.
        """
        config = self.config.model
        self.average_model.load_state_dict(self.average.weights)
        model = self.average_model
        sums, frames = [0.0] * config.num_levels, 0.0
        counts = [
            torch.zeros(k, v, dtype=torch.int64)
            for k, v in zip(config.num_codebooks, config.codebook_sizes, strict=True)
        ]
        for batch in load(ordered_batches(cuts, self.config.data.batch_seconds), self.hop_length):
            wave = batch.wave.to(self.fabric.device)
            mask = self._mask(batch)
            codes = model.encode(model.features(wave), mask)
            mel, mel_mask = model.log_mel(wave), mask.at(self.hop_length // config.mel.hop_length)
            frames += float(mel_mask.sum())
            for level in range(config.num_levels):
                output = model.decode(codes[: level + 1], mask)
                decoded = output if config.head == "mel" else model.log_mel(output)
                sums[level] += float(l1_loss(decoded, mel, mel_mask) * mel_mask.sum())
                kept = mask.at(codes[level].shape[-1] // mask.valid.shape[-1])[:, 0] > 0
                flat = codes[level].transpose(0, 1)[:, kept].cpu()
                counts[level] += code_counts(flat, config.codebook_sizes[level])
        self.log(
            "valid",
            mel_l1_nats_by_levels=[round(total / frames, 4) for total in sums],
            usage=[[round(float(u), 3) for u in usage(level)] for level in counts],
            perplexity=[[round(float(p)) for p in perplexity(level)] for level in counts],
        )
        if self.fabric.is_global_zero:
            save_model(self.folder / "model", model, self.config.name, self.config.licence)
        if self.step > self.config.quantizer_start_step + COLLAPSE_GRACE_STEPS:
            for level, count in enumerate(counts):
                lowest, size = float(perplexity(count).min()), config.codebook_sizes[level]
                if lowest < self.config.collapse_share * size:
                    raise CollapsedLevelError(f"level {level} collapsed: perplexity {lowest:.1f} of {size} entries")

    def log(self, event: str, **values: object) -> None:
        """One line on the terminal and in log.jsonl."""
        if self.fabric.is_global_zero:
            with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps({"event": event, "step": self.step, "epoch": self.epoch, **values}) + "\n")
            print(f"{event} step {self.step} " + " ".join(f"{k} {v}" for k, v in values.items()), flush=True)

    # -- state -----------------------------------------------------------------------------------------------------

    def save(self) -> None:
        if self.fabric.is_global_zero:
            save_checkpoint(
                self.folder / "checkpoints",
                self.step,
                {
                    "name": self.config.name,
                    "model_config": config_to_dict(self.config.model),
                    "model": self.raw_model.state_dict(),
                    "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "epoch": self.epoch,
                    "batches_done": self.batches_done,
                    "audio_seconds": self.audio_seconds,
                    "random_state": torch.get_rng_state(),
                },
            )
        self.fabric.barrier()

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        found = checkpoints(self.folder / "checkpoints")
        if not found:
            return
        state = load_checkpoint(found[-1])
        if state["model_config"] != config_to_dict(self.config.model):
            raise ValueError(f"{found[-1]} holds another model than this configuration: choose another output_dir")
        self.raw_model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.epoch, self.batches_done = state["step"], state["epoch"], state["batches_done"]
        self.audio_seconds = state["audio_seconds"]
        torch.set_rng_state(state["random_state"])
        self.log("resume", note=f"from {found[-1]}")


def initial_model(config: TrainTokenizerConfig) -> VQVAE:
    """The network of a new run: random, or ``init_from`` with its codebooks already started."""
    if not config.init_from:
        return VQVAE(config.model)
    model, card = load_model(find(config.init_from))
    differing = [
        name for name, value in config_to_dict(card.config).items() if config_to_dict(config.model)[name] != value
    ]
    if differing:
        raise ValueError(
            f"init_from={config.init_from} is another model than this configuration: {', '.join(differing)}"
        )
    return model


def train(config: TrainTokenizerConfig) -> None:
    """Run, or go on with, the training that ``config`` describes."""
    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    Path(config.output_dir).mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator=config.device, devices=config.num_devices, precision=cast(Any, config.precision))
    fabric.launch()
    train_cuts = read_cuts(Path(config.data.train_cuts), config.data.window_seconds)
    valid_cuts = read_cuts(Path(config.data.valid_cuts), config.data.window_seconds)
    training = TokenizerTraining(config, fabric)
    training.log("begin", command=" ".join(sys.argv[1:]))
    training.resume()
    if training.step < config.total_steps:
        training.run(train_cuts, spread(valid_cuts, config.data.valid_seconds))
    training.log("end", total_steps=config.total_steps, audio_seconds=training.audio_seconds)


@hydra.main(version_base="1.3", config_path="../configs", config_name="train_tokenizer")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        train(cast(TrainTokenizerConfig, OmegaConf.to_object(config)))
    except (FileNotFoundError, ValueError, CollapsedLevelError) as error:
        sys.exit(f"train_tokenizer: {error}")


if __name__ == "__main__":
    main()
