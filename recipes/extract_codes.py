"""Tokenise a corpus on many GPUs or machines: what `audiovq tokenize` does, in shards that the launcher hands out.

    python -m recipes.extract_codes data=data/train output_dir=tokens/t num_processes=4
    torchrun --standalone --nproc-per-node 4 -m recipes.extract_codes data=data/train output_dir=tokens/t device=cuda
    python -m recipes.extract_codes data=data/train output_dir=tokens/t merge=true

Under torchrun, srun and in Slurm arrays each process does the shard of its number; afterwards merge=true makes the
table, lists what failed in failed.jsonl, and exits with 1 if anything did. The same command goes on after an
interruption, also with another number of processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from audiovq.commands.arguments import UsageError
from audiovq.commands.token_tasks import Tokenize, tokenize
from audiovq.tokenizer import ModelError
from audiovq.tokens import TokenTableError


@dataclass(kw_only=True)
class ExtractCodesConfig:
    """Settings of recipes/extract_codes.py."""

    data: str = MISSING  # a Kaldi data directory, or a folder of sound files
    output_dir: str = MISSING  # of the token table
    model: str = "speech-16k"
    device: str = "cpu"  # "cuda": each process of a machine takes the GPU of its number
    num_processes: int = 1  # of each shard
    batch_size: int = 16
    merge: bool = False


def extract_codes(config: ExtractCodesConfig, environment: Mapping[str, str]) -> int:
    """Do the shard that the environment says, or merge; returns the exit code.

    Raises: UsageError, TokenTableError, ModelError.
    """
    shard_id, num_shards = (0, 1) if config.merge else shard_around(environment)
    device = config.device
    if device == "cuda" and num_shards > 1:
        device = f"cuda:{environment.get('LOCAL_RANK', environment.get('SLURM_LOCALID', '0'))}"
    given = Tokenize(
        corpus=Path(config.data),
        out=Path(config.output_dir),
        model=config.model,
        device=device,
        num_processes=config.num_processes,
        batch_size=config.batch_size,
        num_shards=num_shards,
        shard_id=shard_id if num_shards > 1 else None,
        only_merge=config.merge,
    )
    exit_code = tokenize(given)
    # A launcher ends all processes when one of them fails: that some sounds did is for the merge to say.
    return exit_code if num_shards == 1 else 0


def shard_around(environment: Mapping[str, str]) -> tuple[int, int]:
    """Number of this process, and of all: over the tasks of a Slurm array and what torchrun or srun starts in each."""

    def number(name: str, default: int) -> int:
        return int(environment.get(name, default))

    if "WORLD_SIZE" in environment:
        rank, world_size = number("RANK", 0), number("WORLD_SIZE", 1)
    else:
        rank, world_size = number("SLURM_PROCID", 0), number("SLURM_NTASKS", 1)
    task = number("SLURM_ARRAY_TASK_ID", 0) - number("SLURM_ARRAY_TASK_MIN", 0)
    num_tasks = number("SLURM_ARRAY_TASK_COUNT", 1)
    return task * world_size + rank, num_tasks * world_size


ConfigStore.instance().store(name="base_extract_codes", node=ExtractCodesConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="extract_codes")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        exit_code = extract_codes(cast(ExtractCodesConfig, OmegaConf.to_object(config)), os.environ)
    except (UsageError, ModelError, TokenTableError, OSError) as error:
        sys.exit(f"extract_codes: {error}")
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
