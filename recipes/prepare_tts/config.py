"""Settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from omegaconf import MISSING

SPLITS = ("train", "valid", "test")


class PrepareTtsError(ValueError):
    """Settings that fit no data, or data that fit no settings."""


@dataclass(kw_only=True)
class PrepareTtsConfig:
    """Settings of recipes/prepare_tts."""

    tables: list[str] = MISSING  # folders of token tables of one model
    output_dir: str = MISSING
    frontend: str = "phonemes"  # or characters
    speakers: list[str] = field(default_factory=list)  # none means all
    languages: list[str] = field(default_factory=list)  # none means all
    min_seconds: float = 0.5
    max_seconds: float = 20.0
    min_symbols: int = 2  # without the boundaries
    min_symbols_per_second: float = 3.0  # what is outside of these has another text than it says
    max_symbols_per_second: float = 30.0
    drop_pattern: str = ""  # texts in which this regular expression is found are dropped, such as stage directions
    check: list[str] = field(default_factory=list)  # DATA_heard.jsonl files of recipes/check_text.py
    max_cer: float = 0.5  # in `check`: texts that were heard otherwise are dropped
    valid_share: float = 0.03
    test_share: float = 0.05
    seed: int = 0  # of the split

    def __post_init__(self) -> None:
        """Raises: PrepareTtsError for what cannot be meant."""
        if not 0 < self.valid_share + self.test_share < 1:
            raise PrepareTtsError(
                f"got valid_share={self.valid_share} and test_share={self.test_share}, expected less than 1 together"
            )
        try:
            re.compile(self.drop_pattern)
        except re.error as error:
            raise PrepareTtsError(f"drop_pattern={self.drop_pattern!r} is no regular expression: {error}") from error
