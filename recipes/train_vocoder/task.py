"""What all trainings of sound share: the data, what is read of it, validation, and the saved model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from audiovq.audio.mel import LogMel
from audiovq.data.augment import random_prefixes
from audiovq.data.item_random import uniform
from audiovq.data.loader import Batch, load, ordered_batches, pick_evenly, read_cuts, spread
from audiovq.data.source import HearsSource, open_source
from audiovq.losses.masked import l1_loss
from audiovq.losses.spectral import MultiScaleMelLoss
from audiovq.nn.mask import FrameMask
from audiovq.system.distributed import all_reduce_sum, rank, world_size
from audiovq.train.preemption import ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained, Validation
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.generators import CodesGenerator, make_generator

VALID_WINDOW_SECONDS = 30.0  # longer utterances of the validation data are cut, so that they fit into memory
NUM_CLIPS = 3  # of the validation data, to look at and to listen to


class VocoderTask(HearsSource, Task[Any, Batch]):
    """A generator, and its data.

    auxiliary: modules whose state belongs to the generator's training.
    """

    def __init__(self, config: TrainVocoderConfig, fabric: Fabric, auxiliary: Mapping[str, nn.Module]) -> None:
        self.config, self.fabric = config, fabric
        torch.manual_seed(config.seed)
        self.generator = make_generator(config, fabric.device)
        # Together, so that checkpoints carry all of it.
        self.trained = nn.ModuleDict({"network": self.generator.network, **auxiliary})
        self.networks: dict[str, Trained] = {"generator": Trained(self.trained, config.optim, config.total_steps)}
        self.hop_length, self.sample_rate = self.generator.hop_length, self.generator.mel.sample_rate
        self.log_mel = LogMel(self.generator.mel).to(fabric.device)
        self.multi_scale_mel = MultiScaleMelLoss(self.sample_rate).to(fabric.device)
        self.sound = open_source(
            config.data, self.hop_length, config.seed, fabric.device, ignore_stop_requests, config.data.train_seconds
        )
        valid_cuts = read_cuts(Path(config.data.valid_cuts), VALID_WINDOW_SECONDS)
        self.valid_cuts = spread(valid_cuts, config.data.valid_seconds)

    @abstractmethod
    def decode(self, network: nn.Module, features: list[Tensor], mask: FrameMask) -> Tensor:
        """The sound of what the generator has read. Shape: -> (B, 1, T)."""

    def _mask(self, num_frames: Tensor, wave: Tensor) -> FrameMask:
        return FrameMask.from_lengths(num_frames, wave.shape[-1] // self.hop_length)

    @torch.no_grad()
    def _read(self, wave: Tensor, mask: FrameMask, keep: Tensor | None, seeds: Tensor) -> list[Tensor]:
        """What the generator reads of each item; in full precision, since codes hang on single bits."""
        with torch.autocast(wave.device.type, enabled=False):
            views = self.generator.views
            edges = torch.tensor(list(accumulate(views.values()))[:-1])
            of_items = torch.bucketize(uniform(seeds, "view"), edges, right=True).to(wave.device)
            first, *others = views
            features = self.generator.read(wave, mask, first, keep)
            for index, view in enumerate(others, start=1):
                own = of_items == index
                if own.any():
                    (features[0][own],) = self.generator.read(wave[own], FrameMask(mask.valid[own]), view)
            return features

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
        return self.decode(self.generator.average, features, mask) * mask.at(self.hop_length)

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
