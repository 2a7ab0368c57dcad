"""Priors small enough for tests."""

from __future__ import annotations

from dataclasses import replace

import torch

from audiovq.priors.condition import ConditionConfig, TextCondition, TextInputs
from audiovq.priors.config import PriorConfig
from audiovq.priors.levels import CodeLevels
from audiovq.priors.music_condition import MusicConditionConfig, MusicInputs
from audiovq.priors.network import CodeNetwork
from audiovq.priors.transformer import TransformerConfig

LEVELS = CodeLevels(factors=[1, 2, 4], codebook_sizes=[5, 7, 11], num_codebooks=[1, 2, 3])
CONDITION = ConditionConfig(
    num_symbols=6,
    num_speakers=3,
    num_languages=2,
    voice_size=4,
    text_blocks=1,
    frame_blocks=1,
    kernel_size=3,
    expansion=2,
)


def config(kind: str = "cascade", level: int = 1) -> PriorConfig:
    return PriorConfig(
        kind=kind,
        level=level,
        context_blocks=1,
        codes=LEVELS,
        condition=CONDITION,
        transformer=TransformerConfig(width=16, num_layers=2, num_heads=2, expansion=2, dropout=0.2),
    )


def network(kind: str = "cascade", level: int = 1) -> CodeNetwork:
    """An untrained network, always the same one, with residual branches and a hidden condition that matter."""
    torch.manual_seed(0)
    made = CodeNetwork(config(kind, level))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "project.weight" in name:
                parameter.mul_(10)
        assert isinstance(made.condition, TextCondition)
        made.condition.hidden.normal_()
        for head in made.heads:
            head.weight.mul_(8)
    return made.eval()


def codes(num_coarse: int, batch: int = 1, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randint(0, size, (batch, books, num_coarse * factor), generator=generator)
        for factor, size, books in zip(LEVELS.factors, LEVELS.codebook_sizes, LEVELS.num_codebooks, strict=True)
    ]


def inputs(num_coarse: int, seed: int = 0) -> TextInputs:
    """One item: four symbols, of which the second lasts no frame."""
    generator = torch.Generator().manual_seed(seed)
    frames = num_coarse * LEVELS.factors[-1]
    return TextInputs(
        symbols=torch.randint(0, CONDITION.num_symbols, (1, 4), generator=generator),
        num_symbols=torch.tensor([4]),
        durations=torch.tensor([[1, 0, 2, frames - 3]]),
        speakers=torch.tensor([seed % 3]),
        languages=torch.tensor([seed % 2]),
        voices=torch.randn(1, CONDITION.voice_size, generator=generator),
    )


def music_config(kind: str = "cascade", level: int = 1, window_frames: int = 6) -> PriorConfig:
    music = MusicConditionConfig(num_labels=3, near_frames=4, window_frames=window_frames)
    return replace(config(kind, level), reads="music", music=music)


def music_network(kind: str = "cascade", level: int = 1, window_frames: int = 6) -> CodeNetwork:
    """As ``network``, but of music."""
    torch.manual_seed(0)
    made = CodeNetwork(music_config(kind, level, window_frames))
    with torch.no_grad():
        for head in made.heads:
            head.weight.mul_(8)
    return made.eval()


def music_inputs(start: int = 0, total: int = 20) -> MusicInputs:
    """One item with two labels."""
    return MusicInputs(torch.tensor([[0, 2]]), torch.tensor([start]), torch.tensor([total]))
