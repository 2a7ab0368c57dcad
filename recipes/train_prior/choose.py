"""Which task trains the part that a configuration names."""

from __future__ import annotations

from typing import Any

from lightning_fabric import Fabric

from recipes.schema import TrainPriorConfig
from recipes.train_prior.durations_task import DurationsTask
from recipes.train_prior.music_corpus import MusicCorpus
from recipes.train_prior.music_task import MusicTask
from recipes.train_prior.prior_task import PriorTask
from recipes.train_prior.speech_corpus import SpeechCorpus
from recipes.train_prior.speech_task import SpeechCodesTask


def task_of(config: TrainPriorConfig, fabric: Fabric) -> PriorTask[Any, Any, Any]:
    """With its data read."""
    if config.model.reads == "music":
        return MusicTask(config, MusicCorpus(config.data, max(config.model.covered) + 1), fabric)
    kind = {"codes": SpeechCodesTask, "durations": DurationsTask}[config.part]
    return kind(config, SpeechCorpus(config.data), fabric)
