"""The configuration of tokenizer training: dataclasses, so that a misspelt key or a wrong type is an error."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from audiovq.models import VQVAEConfig
from audiovq.train.config import OptimConfig, RunConfig


@dataclass(kw_only=True)
class DataConfig:
    """What is heard, in which portions."""

    train_cuts: str = MISSING
    valid_cuts: str = MISSING
    window_seconds: float = 4.0  # longer utterances are cut into windows of this length
    batch_seconds: float = 32.0  # audio per step, over all processes
    valid_seconds: float = 600.0  # audio of the valid split that each validation looks at, spread over all of it
    # each epoch plays each cut at one of these, drawn at random
    speeds: list[float] = field(default_factory=lambda: [0.84, 0.92, 1.0, 1.0, 1.08, 1.16])
    gain_db: float = 8.0  # each item is made louder or softer by up to this much
    num_workers: int = 1


@dataclass(kw_only=True)
class LossWeights:
    """Weights of the loss terms; a term of weight 0 is not computed. An adversarial term will have its place here."""

    mel: float = 1.0  # L1 of log-mels in nats
    multi_scale_mel: float = 0.0  # waveform heads
    multi_scale_stft: float = 0.0
    wave: float = 0.0
    commitment: float = 0.25


@dataclass(kw_only=True)
class TrainTokenizerConfig(RunConfig):
    """Settings of recipes/train_tokenizer.py, beside those of every run."""

    name: str  # of the model, as it will be known
    licence: str = "unstated"
    init_from: str = ""  # a bundled model or a model's folder whose weights and codebooks a new run begins with
    init_partly: bool = False  # take over only what fits when init_from is another model
    # For this many steps latents pass unquantised; then k-means on real latents starts every codebook.
    quantizer_start_step: int = 300
    kmeans_latents_per_entry: int = 4
    level_dropout: float = 0.3  # share of items of which only a random prefix of levels is decoded
    collapse_share: float = 0.02  # a level whose perplexity stays below this share of its entries fails the run
    compile: bool = False  # let torch.compile rewrite the network
    model: VQVAEConfig = field(default_factory=VQVAEConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    loss: LossWeights = field(default_factory=LossWeights)


def register() -> None:
    """Make the schema known to hydra under the name that configs/train_tokenizer.yaml uses."""
    ConfigStore.instance().store(name="base_train_tokenizer", node=TrainTokenizerConfig)
