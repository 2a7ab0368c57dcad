"""The settings that every training run has."""

from __future__ import annotations

from dataclasses import dataclass, field

from audiovq.train.precision import AUTO, PRECISIONS

OPTIMIZERS = ("adamw", "muon")


@dataclass(kw_only=True)
class OptimConfig:
    """How the weights of one network follow their gradients.

    kind: "adamw", or "muon" for the weights between hidden layers: see audiovq.train.muon.
    """

    kind: str = "adamw"
    learning_rate: float = 8e-4
    final_learning_rate: float = 1e-5
    warmup_steps: int = 500
    betas: list[float] = field(default_factory=lambda: [0.9, 0.98])
    weight_decay: float = 1e-2
    max_gradient_norm: float = 1.0
    averaging_decay: float = 0.999

    def __post_init__(self) -> None:
        if self.kind not in OPTIMIZERS:
            raise ValueError(f"optim.kind is {self.kind!r}, expected one of {', '.join(OPTIMIZERS)}")


@dataclass(kw_only=True)
class ResumeConfig:
    """What a run may have changed when it goes on: names of settings, or of groups of them."""

    allow: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class RunConfig:
    """One run of a training recipe, whatever it trains."""

    output_dir: str
    seed: int = 1
    total_steps: int = 13000
    accumulate: int = 1  # micro-batches per process and step; more of them need less memory, the update is the same
    device: str = "auto"  # auto, cpu or cuda; several devices: start one process for each with torchrun or srun
    precision: str = AUTO  # 32-true, bf16-mixed or 16-mixed; auto: bf16-mixed where the device computes in it
    num_threads: int = 0  # per process; 0 leaves torch's own choice
    log_every: int = 50
    validate_every: int = 1000
    checkpoint_every: int = 500
    keep_best: int = 1  # checkpoints with the best validation score, kept beside the last two
    time_budget_minutes: float = 0.0  # stop cleanly after this long; 0 means no limit
    resume: ResumeConfig = field(default_factory=ResumeConfig)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}, expected one of {', '.join(PRECISIONS)}")
        for name in ("total_steps", "accumulate", "log_every", "validate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")


# What cannot change the weights that come out, or only by the rounding of another device or number of processes.
HARMLESS = (
    "output_dir",
    "accumulate",
    "device",
    "num_threads",
    "log_every",
    "validate_every",
    "checkpoint_every",
    "keep_best",
    "time_budget_minutes",
    "resume",
    "data.num_workers",
)
