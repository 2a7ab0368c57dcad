"""Random numbers of items as a function of their seeds, many at once, on the device where they are needed."""

from __future__ import annotations

import torch
from torch import Tensor

_STEP, _FIRST, _SECOND = -7046029254386353131, -4658895280553007687, -7723592293110705685


def uniforms(seeds: Tensor, number: int, purpose: int = 0) -> Tensor:
    """Of [0, 1), the same on every device; another ``purpose`` gives others, as another seed does.

    Shape: seeds (B,) int64 -> (B, number) float32.
    Source: Steele et al. 2014, Fast splittable pseudorandom number generators, figure 16 (SplitMix64).
    """
    places = torch.arange(1, number + 1, device=seeds.device)
    x = _mixed(_mixed(_mixed(seeds) + purpose)[:, None] + places * _STEP)
    return _shifted(x, 40).float() * 2.0**-24


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ _shifted(x, 30)) * _FIRST
    x = (x ^ _shifted(x, 27)) * _SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """Shifted right as an unsigned number is."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
