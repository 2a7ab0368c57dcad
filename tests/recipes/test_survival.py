"""A training that is killed again and again, or shared by two processes, is the training that would have been."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from audiovq.train.checkpoint import checkpoints, load_checkpoint
from audiovq.train.config import OptimConfig
from recipes.schema import TrainTokenizerConfig
from recipes.train_tokenizer.__main__ import train
from recipes.train_tokenizer.task import TokenizerTask
from tests.recipes.tiny_run import events, last_state, noise_cuts, settings, train_silently
from tests.same import same
from tests.train.processes import run_together, start

NUM_KILLS = 20


def test_killed_twenty_times_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    """With data loading ahead in another process, and a checkpoint every other step, so that kills also meet saving."""
    changes: dict[str, Any] = {"total_steps": 60, "validate_every": 7, "checkpoint_every": 2}
    config = settings(noise_cuts(tmp_path), tmp_path / "whole", num_workers=1, **changes)
    start(train_silently, config).join()  # what all later ones are forked from takes its time to start
    began = time.monotonic()
    start(train_silently, dataclasses.replace(config, output_dir=str(tmp_path / "timed"))).join()
    seconds = time.monotonic() - began
    config = dataclasses.replace(config, output_dir=str(tmp_path / "killed"))
    drawn, kills, finished, steps = random.Random(0), 0, False, set()
    while not (finished and kills == NUM_KILLS):
        process = start(train_silently, config)
        process.join(timeout=drawn.uniform(0, seconds / 5) if kills < NUM_KILLS else None)
        finished = process.exitcode == 0
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        for path in checkpoints(tmp_path / "killed" / "checkpoints"):
            steps.add(load_checkpoint(path)["step"])  # which raises when it is damaged
    killed, whole = last_state(tmp_path / "killed"), last_state(tmp_path / "whole")
    assert killed["step"] == 60 and len(steps) > 3
    assert same({**killed, "settings": {}}, {**whole, "settings": {}})
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert last_losses(tmp_path / "killed") == last_losses(tmp_path / "whole")


def files(folder: Path) -> list[str]:
    """What a run leaves behind; of tensorboard's files there is one for every start."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if "tfevents" not in path.name and path.is_file()
    )


def last_losses(folder: Path) -> dict[int, float]:
    return {event["step"]: event["mel"] for event in events(folder, "train")}


def train_and_watch(config: TrainTokenizerConfig) -> None:
    """Write down a digest of all codebooks after every step."""
    apply = TokenizerTask.after_update

    def watched(self: TokenizerTask) -> None:
        apply(self)
        digest = hashlib.sha256()
        for name, value in sorted(self.model.hierarchy.quantizers.state_dict().items()):
            digest.update(name.encode() + value.numpy().tobytes())
        with open(f"{config.output_dir}-{os.environ.get('RANK', 'alone')}.txt", "a") as file:
            file.write(digest.hexdigest() + "\n")

    TokenizerTask.after_update = watched  # type: ignore[method-assign]
    train(config)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """Eleven recordings: epochs end with a batch that leaves one process without an utterance."""
    cuts = noise_cuts(tmp_path, num_recordings=11)
    changes: dict[str, Any] = {
        "total_steps": 50,
        "quantizer_start_step": 5,
        "validate_every": 50,
        "kmeans_latents_per_entry": 16,
    }
    changes["optim"] = OptimConfig(learning_rate=1e-4)  # with larger steps rounding sooner turns into another code
    train(settings(cuts, tmp_path / "one", **changes))
    run_together(2, train_and_watch, settings(cuts, tmp_path / "two", **changes))
    one, two = events(tmp_path / "one", "train"), events(tmp_path / "two", "train")
    assert len(one) == len(two) == 50 and one[-1]["epoch"] > 3
    for name in ("mel", "commitment"):
        assert [event[name] for event in two] == pytest.approx([event[name] for event in one], rel=1e-5, abs=1e-5)
    first, second = ((tmp_path / f"two-{rank}.txt").read_text().split() for rank in range(2))
    assert len(first) == 50 and len(set(first)) > 40
    assert first == second
    valid = [json.dumps(events(tmp_path / name, "valid")[-1]["perplexity"]) for name in ("one", "two")]
    assert valid[0] == valid[1]
