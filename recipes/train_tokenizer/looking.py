"""What is looked at while a tokenizer learns: distances, the use of its codebooks, and some clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.data.loader import Batch, load, ordered_batches, pick_evenly, read_cuts, spread
from audiovq.losses.masked import l1_loss
from audiovq.metrics.codebook import code_counts, entropy, perplexity, usage
from audiovq.models import VQVAE
from audiovq.models.panning import mono_mel
from audiovq.system.distributed import all_reduce_sum, rank, world_size
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Validation
from recipes.schema import TrainTokenizerConfig
from recipes.train_tokenizer.hearing import as_mel, heard

COLLAPSE_GRACE_STEPS = 500  # after the codebooks' start, before a level may be called collapsed
NUM_CLIPS = 3  # of the validation data, to look at and to listen to


class CollapsedLevelError(RuntimeError):
    """A level that has stopped carrying information."""


class Looker:
    """Looks at ``model``, as it is at the time, on the validation data."""

    def __init__(self, config: TrainTokenizerConfig, model: VQVAE, fabric: Fabric) -> None:
        self.config, self.model, self.fabric = config, model, fabric
        self.hop_length = config.model.hop_lengths[0]
        valid_cuts = read_cuts(Path(config.data.valid_cuts), config.data.window_seconds)
        self.valid_cuts = spread(valid_cuts, config.data.valid_seconds)

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Log-mel distance of every prefix of levels, and use of every level."""
        config, model = self.config.model, self.model
        distances = torch.zeros(config.num_levels + 1, device=self.fabric.device)  # of each prefix; frames
        counts = [
            torch.zeros(k, v, dtype=torch.int64, device=self.fabric.device)
            for k, v in zip(config.num_codebooks, config.codebook_sizes, strict=True)
        ]
        batches = ordered_batches(self.valid_cuts, self.config.data.batch_seconds)
        num_mels = config.num_channels * config.mel.num_mels

        def look(share: Batch) -> None:
            batch, mask = heard(self.fabric.to_device(share), config)
            codes = model.encode(model.features(batch.wave), mask)
            mel, mel_mask = model.mel(batch.wave), mask.at(self.hop_length // config.mel.hop_length)
            distances[-1] += mel_mask.sum()
            for level in range(config.num_levels):
                decoded = as_mel(model.decode(codes[: level + 1], mask), model)
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
            wave = heard(self.fabric.to_device(batch), self.config.model)[0].wave
            codes = self.model.encode(self.model.features(wave))
            decoded = self.model.decode(codes)
            for name, sound in (("original", wave), ("decoded", decoded)):
                pictures[f"clip{clip}/{name}"] = as_mel(sound, self.model)[0].cpu()
                sounds[f"clip{clip}/{name}"] = self._as_sound(sound)[0].cpu()
        return pictures, sounds

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
