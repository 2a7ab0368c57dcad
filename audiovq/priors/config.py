"""The configuration of one network of a prior: every kind is a value of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from audiovq.priors.condition import ConditionConfig
from audiovq.priors.levels import CodeLevels
from audiovq.priors.music_condition import MusicConditionConfig
from audiovq.priors.transformer import TransformerConfig

KINDS = ("cascade", "flat", "masked")
READS = ("text", "music")


@dataclass(kw_only=True)
class PriorConfig:
    """One network.

    kind: "cascade" (one level, code after code, given all coarser levels), "flat" (all levels in one sequence, code
    after code) or "masked" (one level given all coarser ones, all its codes in a few steps).
    reads: what it is conditioned on: "text", as ``condition`` says, or the labels and the timing of "music".
    level: the one that it makes; of no meaning for "flat".
    code_noise: in training, the share of the codes it reads that are replaced by random ones, since when it speaks some
    of what it reads will be wrong.
    """

    kind: str = "cascade"
    reads: str = "text"
    level: int = 0
    code_noise: float = 0.05
    context_blocks: int = 3  # that read the coarser levels
    codes: CodeLevels = field(default_factory=CodeLevels)
    condition: ConditionConfig = field(default_factory=ConditionConfig)
    music: MusicConditionConfig = field(default_factory=MusicConditionConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}, expected one of {', '.join(KINDS)}")
        if self.reads not in READS:
            raise ValueError(f"reads is {self.reads!r}, expected one of {', '.join(READS)}")
        if not 0 <= self.level < self.codes.num_levels:
            raise ValueError(f"level is {self.level}, expected 0 to {self.codes.num_levels - 1}")
        if not 0 <= self.code_noise < 1:
            raise ValueError(f"code_noise is {self.code_noise}, expected 0 to below 1")

    @property
    def covered(self) -> tuple[int, ...]:
        """The levels that it makes."""
        return tuple(range(self.codes.num_levels)) if self.kind == "flat" else (self.level,)

    @property
    def coarser(self) -> tuple[int, ...]:
        """The levels that it is given."""
        return () if self.kind == "flat" else tuple(range(self.level))


def check_complete(networks: Sequence[PriorConfig]) -> None:
    """Raises: ValueError unless the networks make every level once, coarse first."""
    levels = [level for network in networks for level in network.covered]
    wanted = list(range(networks[0].codes.num_levels)) if networks else []
    if not networks or levels != wanted:
        raise ValueError(f"the networks make the levels {levels}, expected each of {wanted} once, coarse first")
