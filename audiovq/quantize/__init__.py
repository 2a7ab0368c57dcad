"""Quantizers with one contract: an EMA codebook, FSQ, and a residual stack of either."""

from __future__ import annotations

from audiovq.quantize.contract import Quantized, Quantizer, QuantizerConfig
from audiovq.quantize.ema import EMACodebook
from audiovq.quantize.fsq import FSQ
from audiovq.quantize.residual import ResidualStack

KINDS: dict[str, type[EMACodebook] | type[FSQ]] = {"ema": EMACodebook, "fsq": FSQ}


def make_quantizer(config: QuantizerConfig, width: int) -> Quantizer:
    """The quantizer of a level whose latents have ``width`` channels."""
    stages: list[Quantizer] = [KINDS[config.kind](config, width) for _ in range(config.num_codebooks)]
    return stages[0] if len(stages) == 1 else ResidualStack(stages)


__all__ = ["FSQ", "EMACodebook", "Quantized", "Quantizer", "QuantizerConfig", "ResidualStack", "make_quantizer"]
