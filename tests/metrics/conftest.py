"""Speech for the measures of speech."""

import pytest
import torch
from torch import Tensor

from recipes.benchmark.speed import speech_like

RATE = 16_000


@pytest.fixture(scope="package")
def pair() -> tuple[Tensor, Tensor]:
    clean = speech_like(1.5, RATE)[0]
    return clean, clean + 0.01 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
