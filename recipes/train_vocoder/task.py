"""The task of the training: a generator of sound, its discriminators, their data and their losses."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from lhotse import CutSet
from lhotse.cut import Cut
from lightning_fabric import Fabric
from torch import Tensor, nn

from audiovq.audio.mel import LogMel
from audiovq.build import config_to_dict
from audiovq.data.augment import random_gains, random_prefixes
from audiovq.data.item_random import uniform
from audiovq.data.loader import Batch, epoch_batches, load, ordered_batches, pick_evenly, read_cuts, spread
from audiovq.files import write_atomically
from audiovq.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from audiovq.losses.balancer import Balancer
from audiovq.losses.masked import l1_loss
from audiovq.losses.spectral import MultiScaleMelLoss
from audiovq.models.discriminators import Discriminators
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import ModelError, find
from audiovq.processes import all_reduce_sum, rank, world_size
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests, ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained, Validation
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.generators import CodesGenerator, make_generator

DISCRIMINATORS_FILE = "discriminators.safetensors"  # beside the model
VALID_WINDOW_SECONDS = 30.0  # longer utterances of the validation data are cut, so that they fit into memory
NUM_CLIPS = 3  # of the validation data, to look at and to listen to


class VocoderTask(Task[Cut, Batch]):
    """A generator of sound, its discriminators, their data and their losses."""

    def __init__(self, config: TrainVocoderConfig, fabric: Fabric) -> None:
        self.config, self.fabric = config, fabric
        torch.manual_seed(config.seed)
        self.generator = make_generator(config, fabric.device)
        self.balancer = Balancer(self._generator_weights(), config.balancer.decay).to(fabric.device)
        # Together, so that checkpoints carry the balancer too.
        self.trained = nn.ModuleDict({"network": self.generator.network, "balancer": self.balancer})
        self.networks = {"generator": Trained(self.trained, config.optim, config.total_steps)}
        self.start_step = config.adversarial.start_step
        if config.loss.uses_discriminators:
            self.discriminators = initial_discriminators(config).to(fabric.device)
            self.networks["discriminators"] = Trained(
                self.discriminators, config.discriminator_optim, config.total_steps, self.start_step
            )
        # Whether discriminators learn, and the generator from them; first all that the run will come to, for memory.
        self.adversarial = config.loss.uses_discriminators and self.start_step < config.total_steps
        self.listening = self.start_step + config.adversarial.lead_steps < config.total_steps
        self.hop_length, self.sample_rate = self.generator.hop_length, self.generator.mel.sample_rate
        self.log_mel = LogMel(self.generator.mel).to(fabric.device)
        self.multi_scale_mel = MultiScaleMelLoss(self.sample_rate).to(fabric.device)
        self.train_cuts = read_cuts(Path(config.data.train_cuts), config.data.window_seconds)
        valid_cuts = read_cuts(Path(config.data.valid_cuts), VALID_WINDOW_SECONDS)
        self.valid_cuts = spread(valid_cuts, config.data.valid_seconds)

    # -- data ----------------------------------------------------------------------------------------------------

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Cut]]:
        data, seed = self.config.data, self.config.seed
        cuts = CutSet.from_cuts(random_window(cut, data.train_seconds, seed, epoch) for cut in self.train_cuts)
        return epoch_batches(cuts, data.batch_seconds, seed, epoch, data.speeds)

    def load(self, shares: Sequence[Sequence[Cut]], epoch: int) -> Iterable[Batch]:
        workers, seed = self.config.data.num_workers, self.config.seed
        return load(shares, self.hop_length, workers, seed, epoch, worker_init=ignore_stop_requests)

    def cost(self, batch: Sequence[Cut]) -> float:
        return len(batch) * max(cut.duration for cut in batch)

    # -- losses --------------------------------------------------------------------------------------------------

    def before_step(self, step: int) -> None:
        self.adversarial = self.config.loss.uses_discriminators and step >= self.start_step
        self.listening = step >= self.start_step + self.config.adversarial.lead_steps

    def weights(self) -> Mapping[str, float]:
        weights = self._generator_weights()
        if not (self.adversarial and self.listening):
            weights = {"multi_scale_mel": weights["multi_scale_mel"]}
        return {**weights, "discriminators": 1.0} if self.adversarial else weights

    def _generator_weights(self) -> dict[str, float]:
        names = ("multi_scale_mel", "adversarial", "feature_matching")
        return {name: getattr(self.config.loss, name) for name in names if getattr(self.config.loss, name)}

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The terms, and as "objective" what to descend.

        The generator's terms are functions of its output cut off from it: of their gradients there, weighed, the
        objective makes the generator's. So the discriminators learn from their own term alone, and the generator from
        its own, with one judgement of the decoded wave for both.
        """
        self.trained.train()
        mask, num_samples = self._mask(batch.num_frames, batch.wave), batch.num_frames * self.hop_length
        wave = batch.wave * random_gains(batch, self.config.data.gain_db)
        keep = self._kept_levels(batch)
        features = self._read(wave, mask, keep, batch.seeds)
        # Heads that overlap frames spill past an item's end.
        output = self.generator.sound(self.trained["network"], features, mask, keep).float() * mask.at(self.hop_length)
        signal = output.detach().requires_grad_()
        terms = {"multi_scale_mel": self.multi_scale_mel(signal, wave, num_samples)}
        judging = output.new_zeros(())
        if self.adversarial:
            judged = self._judge(signal, wave, num_samples, batch.seeds)
            judging = judged.pop("discriminators")
            terms |= judged
        gradient = self._gradient(terms, signal, num_samples)
        objective = (output * gradient).sum() + judging
        return {
            **{name: term.detach() for name, term in terms.items()},
            "discriminators": judging,
            "objective": objective,
        }

    def objective(self, terms: Mapping[str, Tensor]) -> Tensor:
        return terms["objective"]

    def _judge(self, signal: Tensor, wave: Tensor, num_samples: Tensor, seeds: Tensor) -> dict[str, Tensor]:
        """All terms that discriminators have a part in, from a random part of each item."""
        length = min(wave.shape[-1], round(self.config.adversarial.judged_seconds * self.sample_rate))
        starts = (uniform(seeds, "judged").to(wave.device) * (num_samples - length).clamp(min=0)).long()
        places = starts[:, None, None] + torch.arange(length, device=wave.device)
        heard = num_samples.clamp(max=length)
        real = self.discriminators(wave.gather(2, places), heard)
        decoded = self.discriminators(signal.gather(2, places), heard)
        form, frames = self.config.adversarial.form, [view.score_frames for view in decoded]
        scores = [view.score for view in decoded]
        terms = {"discriminators": discriminator_loss(form, [view.score for view in real], scores, frames, num_samples)}
        if self.listening and self.config.loss.adversarial:
            terms["adversarial"] = generator_loss(form, scores, frames, num_samples)
        if self.listening and self.config.loss.feature_matching:
            terms["feature_matching"] = feature_matching_loss(
                [layer for view in real for layer in view.features],
                [layer for view in decoded for layer in view.features],
                [layer for view in decoded for layer in view.feature_frames],
                num_samples,
            )
        return terms

    def _gradient(self, terms: Mapping[str, Tensor], signal: Tensor, num_samples: Tensor) -> Tensor:
        """What the generator is to descend, at its output. Shape: (B, 1, T)."""
        total = num_samples.sum().clamp(min=1)
        weights = self._generator_weights()
        with torch.autocast(signal.device.type, enabled=False):
            if not self.config.balancer.enabled:
                weighted = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
                (gradient,) = torch.autograd.grad(weighted, signal, retain_graph=True)
                return gradient
            gradients = {name: torch.autograd.grad(term, signal, retain_graph=True)[0] for name, term in terms.items()}
        # Of an item's own loss, of which it has a part by its length in that of the batch.
        per_item = (total / num_samples.clamp(min=1))[:, None, None]
        own = {name: gradient * per_item for name, gradient in gradients.items()}
        self.balancer.measure(own, num_samples)
        return self.balancer.combine(gradients)

    def after_update(self) -> None:
        self.balancer.update(all_reduce_sum(self.balancer.take()))

    def discard(self) -> None:
        self.balancer.take()

    def _mask(self, num_frames: Tensor, wave: Tensor) -> FrameMask:
        return FrameMask.from_lengths(num_frames, wave.shape[-1] // self.hop_length)

    @torch.no_grad()
    def _read(self, wave: Tensor, mask: FrameMask, keep: Tensor | None, seeds: Tensor) -> list[Tensor]:
        """What the generator reads of each item; in full precision, since codes hang on single bits."""
        with torch.autocast(wave.device.type, enabled=False):
            if "decoded" not in self.generator.views:
                return self.generator.read(wave, mask, next(iter(self.generator.views)), keep)
            (mel,) = self.generator.read(wave, mask, "true")
            drawn = (uniform(seeds, "decoded") < self.generator.views["decoded"]).to(wave.device)
            if drawn.any():
                (mel[drawn],) = self.generator.read(wave[drawn], FrameMask(mask.valid[drawn]), "decoded")
            return [mel]

    def _kept_levels(self, batch: Batch) -> Tensor | None:
        if not isinstance(self.generator, CodesGenerator):
            return None
        return random_prefixes(batch, self.generator.model.config.num_levels, self.config.level_dropout)

    # -- looking at it ---------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """How far the sound of whole utterances is from the original, for everything that the generator can read."""
        self._load_average()
        views = self.generator.views
        sums = torch.zeros(len(views), 2, device=self.fabric.device)  # log-mel distance, multi-scale mel distance
        num_valid = torch.zeros((), device=self.fabric.device)
        batches = ordered_batches(self.valid_cuts, max(self.config.data.batch_seconds, VALID_WINDOW_SECONDS))

        def look(share: Batch) -> None:
            batch = self.fabric.to_device(share)
            mask = self._mask(batch.num_frames, batch.wave)
            mel, mel_mask = self.log_mel(batch.wave), mask.at(self.hop_length // self.generator.mel.hop_length)
            num_valid.add_(batch.num_valid)
            for view, row in zip(views, sums, strict=True):
                decoded = self._decoded(batch.wave, mask, view)
                row[0] += l1_loss(self.log_mel(decoded), mel, mel_mask) * batch.num_valid
                row[1] += (
                    self.multi_scale_mel(decoded, batch.wave, batch.num_frames * self.hop_length) * batch.num_valid
                )

        own = load(batches[rank() :: world_size()], self.hop_length)
        if not in_rounds(own, len(batches), go_on, look):
            return None
        means = (all_reduce_sum(sums) / all_reduce_sum(num_valid)).tolist()
        score = sum(share * row[0] for share, row in zip(views.values(), means, strict=True))
        measured = {
            f"{name}/{view}": row[column]
            for column, name in enumerate(("mel_l1_nats", "multi_scale_mel"))
            for view, row in zip(views, means, strict=True)
        }
        pictures, sounds = self._clips() if rank() == 0 else ({}, {})
        values = {name: round(value, 4) for name, value in measured.items()}
        return Validation(score, values, measured, pictures, sounds, self.sample_rate)

    def _decoded(self, wave: Tensor, mask: FrameMask, view: str) -> Tensor:
        features = self.generator.read(wave, mask, view)
        return self.generator.sound(self.generator.average, features, mask) * mask.at(self.hop_length)

    def _clips(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Log-mels and sounds of some utterances, before and after."""
        pictures, sounds = {}, {}
        for clip, cut in enumerate(pick_evenly(self.valid_cuts, NUM_CLIPS)):
            batch = self.fabric.to_device(next(iter(load([[cut]], self.hop_length))))
            mask = self._mask(batch.num_frames, batch.wave)
            made = {view: self._decoded(batch.wave, mask, view) for view in self.generator.views}
            for name, sound in {"original": batch.wave, **made}.items():
                pictures[f"clip{clip}/{name}"] = self.log_mel(sound)[0].cpu()
                sounds[f"clip{clip}/{name}"] = sound[0].cpu()
        return pictures, sounds

    def _load_average(self) -> None:
        weights = self.networks["generator"].average.weights
        prefix = "network."
        self.generator.average.load_state_dict(
            {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        )

    def export(self, folder: Path) -> None:
        self._load_average()
        self.generator.save(folder, self.config.name, self.config.licence)
        part = self.networks.get("discriminators")
        if part is not None and part.average.num_updates > self.start_step:
            weights = {name: value.half().contiguous() for name, value in part.average.weights.items()}
            with write_atomically(folder / DISCRIMINATORS_FILE) as file:
                file.write(safetensors.torch.save(weights))


def random_window(cut: Cut, seconds: float, seed: int, epoch: int) -> Cut:
    """``seconds`` from anywhere in the cut, elsewhere each epoch; the whole cut if it is no longer."""
    if cut.duration <= seconds:
        return cut
    last = round((cut.duration - seconds) * cut.sampling_rate)
    start = random.Random(f"{seed} {epoch} {cut.id} window").randint(0, last)
    return cut.truncate(offset=start / cut.sampling_rate, duration=seconds, preserve_id=True)


def initial_discriminators(config: TrainVocoderConfig) -> Discriminators:
    """Random, or those that ``init_from`` came with."""
    discriminators = Discriminators(config.discriminators)
    path = find(config.init_from) / DISCRIMINATORS_FILE if config.init_from else None
    if path is not None and path.is_file():
        try:
            weights = safetensors.torch.load_file(path)
            discriminators.load_state_dict({name: value.float() for name, value in weights.items()})
        except (RuntimeError, safetensors.SafetensorError) as error:
            raise ModelError(f"{path} does not fit the configuration's discriminators: {error}") from error
    return discriminators


def train(config: TrainVocoderConfig) -> int:
    """Run, or go on with, the training that ``config`` describes. Returns the exit code."""
    settings = config_to_dict(config)
    if config.tokenizer:  # its weights are as much a part of the run as its name
        weights = (find(config.tokenizer) / "model.safetensors").read_bytes()
        settings["tokenizer_sha256"] = hashlib.sha256(weights).hexdigest()
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        return Loop(VocoderTask(config, fabric), config, settings, fabric, stop).run()
