"""Train a tokenizer: a hierarchical VQ-VAE on spectral losses, its codebooks started from real latents.

    python -m recipes.train_tokenizer experiment=debian_speech_codec1 output_dir=exp/my_run
    python -m recipes.train_tokenizer experiment=debian_speech_codec1 model.hierarchy=residual optim.learning_rate=3e-4
    torchrun --standalone --nproc-per-node 4 -m recipes.train_tokenizer experiment=debian_speech_codec1

The same command again goes on from the last checkpoint in output_dir. Exit code 75 means that it was asked to stop, has
saved, and wants to be called again.
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
from recipes.schema import TrainTokenizerConfig, register
from recipes.train_tokenizer.looking import CollapsedLevelError
from recipes.train_tokenizer.task import TokenizerTask

register()


def train(config: TrainTokenizerConfig) -> int:
    """Run, or go on with, the training that ``config`` describes. Returns the exit code."""
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        return Loop(TokenizerTask(config, fabric), config, config_to_dict(config), fabric, stop).run()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="train_tokenizer")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        sys.exit(train(cast(TrainTokenizerConfig, OmegaConf.to_object(config))))
    except (OSError, ValueError, MemoryError, NotFiniteError, CollapsedLevelError) as error:
        sys.exit(f"train_tokenizer: {error}")


if __name__ == "__main__":
    main()
