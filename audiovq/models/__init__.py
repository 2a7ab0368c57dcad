"""Networks: the hierarchical VQ-VAE."""

from __future__ import annotations

from audiovq.models.config import LevelConfig, VQVAEConfig
from audiovq.models.vqvae import VQVAE, VQVAEOutput

__all__ = ["VQVAE", "LevelConfig", "VQVAEConfig", "VQVAEOutput"]
