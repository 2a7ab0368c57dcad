"""Train one part of a prior over the codes of a tokenizer: of speech, from token tables and alignments, or of music.

    python -m recipes.train_prior experiment=debian_speech_tts1_durations
    python -m recipes.train_prior experiment=debian_speech_tts1
    python -m recipes.train_prior experiment=debian_speech_tts1_level2
    python -m recipes.train_prior experiment=debian_speech_tts1_level2 model.kind=masked output_dir=exp/tts1/masked2
    python -m recipes.train_prior experiment=debian_speech_tts1 model.kind=flat output_dir=exp/tts1/flat
    python -m recipes.train_prior experiment=debian_music_music1_level0 precision=32-true

The parts know nothing of each other in training: they can be trained at the same time. The same command
again goes on from the last checkpoint in output_dir. Exit code 75 means that it was asked to stop, has saved, and wants
to be called again. ``recipes.pack_prior`` puts the parts of a prior together, and ``recipes.train_prior.likelihood``
says how likely codes are to them that they have not seen.
"""

from __future__ import annotations

import sys
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf

from audiovq.build import config_to_dict
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests
from audiovq.train.update import NotFiniteError
from recipes.schema import TrainPriorConfig, register
from recipes.train_prior.choose import task_of

register()


def train(config: TrainPriorConfig) -> int:
    """Run, or go on with, the training that ``config`` describes. Returns the exit code."""
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        return Loop(task_of(config, fabric), config, config_to_dict(config), fabric, stop).run()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="train_prior")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        sys.exit(train(cast(TrainPriorConfig, OmegaConf.to_object(config))))
    except (OSError, ValueError, MemoryError, NotFiniteError) as error:
        sys.exit(f"train_prior: {error}")


if __name__ == "__main__":
    main()
