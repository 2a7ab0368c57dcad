"""The configuration of the recipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from audiovq.priors.alignment.aligner import AlignerConfig
from audiovq.train.config import OptimConfig, RunConfig

SPLITS = ("train", "valid", "test")


@dataclass(kw_only=True)
class AlignDataConfig:
    """What is aligned, in which portions."""

    symbols: str = MISSING  # folder with symbols_{train,valid,test}.parquet; train must be there
    tables: list[str] = MISSING  # folders of token tables of one model, in which all the utterances are
    alignments: str = ""  # folder of alignments_{split}.parquet; none: that of the symbols
    tokenizer: str = "speech-16k"
    batch_seconds: float = 64.0
    valid_seconds: float = 600.0


@dataclass(kw_only=True)
class AlignConfig(RunConfig):
    """Settings of recipes/align, beside those of every run. model.num_* are taken from the data."""

    data: AlignDataConfig = field(default_factory=AlignDataConfig)
    total_steps: int = 900
    # How strongly frames are drawn to the diagonal at first; less and less, and from prior_steps on not at all. When it
    # ends before sounds are known, the network learns to give most frames of an utterance to one symbol.
    prior_scaling: float = 0.5
    prior_steps: int = 400
    precision: str = "32-true"
    num_threads: int = 1
    validate_every: int = 300
    checkpoint_every: int = 250
    model: AlignerConfig = field(default_factory=AlignerConfig)
    optim: OptimConfig = field(
        default_factory=lambda: OptimConfig(learning_rate=2e-3, warmup_steps=100, averaging_decay=0.99)
    )


def register() -> None:
    """Make the schema known to hydra under the name that the files in configs/ use."""
    ConfigStore.instance().store(name="base_align", node=AlignConfig)
