"""Settings of `python -m recipes.evaluate`."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from audiovq.metrics.recogniser import PACKAGED


@dataclass(kw_only=True)
class EvaluateConfig:
    """What is scored, on what, and how."""

    model: str = MISSING  # a bundled name, or a folder
    data: str = MISSING  # a Kaldi data directory
    output_dir: str = MISSING
    vocoder: str = ""  # a bundled name, a folder or "griffin-lim"; empty takes what audiovq.load takes
    num_utterances: int = 0  # so many, drawn evenly over the speakers; 0 takes all
    seed: int = 1
    most_seconds: float = 0.0  # of each, from its beginning; 0 takes all
    num_clips: int = 6  # so many of them are kept as sounds, for `audiovq report`
    # Of several channels the mean is scored, but by the scores of stereo: the group "stereo".
    # STOI, ESTOI and PESQ are for speech only, and so are visqol and speaker_similarity, which take their time.
    metrics: list[str] = field(default_factory=lambda: ["log_mel_l1", "mel_distance", "stoi", "estoi", "pesq_wb"])
    cer: bool = False
    cer_languages: list[str] = field(default_factory=lambda: ["en", "fr", "it", "es", "ru"])
    recogniser: str = PACKAGED
    device: str = "cpu"
    num_workers: int = 1  # processes, each with num_threads
    num_threads: int = 1

    def __post_init__(self) -> None:
        if self.most_seconds < 0:
            raise ValueError(f"most_seconds is {self.most_seconds}, expected 0 or more")


def register() -> None:
    """Make the schema known to hydra under the name that the file in configs/ uses."""
    ConfigStore.instance().store(name="base_evaluate", node=EvaluateConfig)
