"""The run: which task a configuration asks for."""

from __future__ import annotations

import hashlib

from audiovq.build import config_to_dict
from audiovq.pretrained import find
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests
from recipes.schema import TrainVocoderConfig
from recipes.train_vocoder.magnitude_task import MagnitudeTask
from recipes.train_vocoder.wave_task import WaveTask


def train(config: TrainVocoderConfig) -> int:
    """Run, or go on with, the training that ``config`` describes. Returns the exit code."""
    settings = config_to_dict(config)
    # Their weights are as much a part of the run as their names.
    settings["tokenizers_sha256"] = [
        hashlib.sha256((find(name) / "model.safetensors").read_bytes()).hexdigest() for name in config.tokenizers
    ]
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        task_class = MagnitudeTask if config.makes_magnitudes else WaveTask
        return Loop(task_class(config, fabric), config, settings, fabric, stop).run()
