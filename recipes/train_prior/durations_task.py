"""The training of the forecast of durations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from audiovq.losses.gaussian import gaussian_loss
from audiovq.priors.condition import TextInputs
from audiovq.priors.durations import DurationPredictor
from audiovq.priors.sampling import ItemRandom
from audiovq.priors.speech import SpeechPrior, SpeechPriorConfig
from audiovq.system.distributed import all_reduce_sum
from audiovq.train.task import Validation
from recipes.train_prior.batches import PriorBatch
from recipes.train_prior.speech_task import SpeechTask


class DurationsTask(SpeechTask):
    """A network that foresees how long symbols last."""

    score_name = "frames_off_per_symbol"

    def form(self) -> SpeechPriorConfig:
        durations = self.config.durations
        return replace(self.empty_prior(), durations=[replace(durations, condition=self.sized(durations.condition))])

    def part(self, prior: SpeechPrior) -> DurationPredictor:
        if not prior.durations:
            raise ValueError(f"init_from={self.config.init_from} forecasts no durations")
        return prior.durations[0]

    def weights(self) -> Mapping[str, float]:
        return {"durations": 1.0}

    def losses(self, batch: PriorBatch[TextInputs]) -> Mapping[str, Tensor]:
        """Nats a coarsest frame, the unit of the batches."""
        self.prior.train()
        mean, log_variance = self.prior.durations[0](batch.inputs)
        nats = gaussian_loss(mean.float(), log_variance.float(), batch.inputs.durations.float().log1p())
        return {"durations": (nats * _there(batch)).sum() / max(1, batch.num_valid)}

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Mean error of durations, and of whole utterances, on utterances that it has not seen."""
        predictor = self.averaged().durations[0]
        # Frames that durations are off, symbols; total frames foreseen, there; ratios of totals, utterances.
        sums = torch.zeros(6, dtype=torch.float64, device=self.fabric.device)

        def look(batch: PriorBatch[TextInputs]) -> None:
            for item in range(len(batch.num_coarse)):
                inputs = batch.inputs.item(item)
                foreseen = predictor.frames(inputs, ItemRandom(0), temperature=0.0, speed=1.0)
                off = (foreseen - inputs.durations).abs().sum()
                whole, there = foreseen.sum(), inputs.durations.sum()
                ratio = (whole.double() / there).log().abs()
                sums.add_(torch.stack([off, inputs.num_symbols[0], whole, there, ratio, torch.ones_like(ratio)]))

        if not self.look_at_valid(go_on, look):
            return None
        off, symbols, whole, there, ratio, number = all_reduce_sum(sums).tolist()
        scalars = {
            "frames_off_per_symbol": off / symbols,
            "foreseen_by_real_length": whole / there,
            "log_length_off": ratio / number,
        }
        values = {name: round(value, 4) for name, value in scalars.items()}
        return Validation(off / symbols, values, scalars, {}, {}, self.corpus.layout.sample_rate)


def _there(batch: PriorBatch[TextInputs]) -> Tensor:
    positions = torch.arange(batch.inputs.symbols.shape[1], device=batch.inputs.symbols.device)
    valid = positions < batch.inputs.num_symbols[:, None]
    return valid & (batch.num_coarse > 0)[:, None]
