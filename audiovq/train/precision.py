"""The precision of a training: half of the bits where the device computes in them, not where it only can."""

from __future__ import annotations

import torch

AUTO = "auto"
PRECISIONS = (AUTO, "32-true", "bf16-mixed", "16-mixed")


def chosen_precision(precision: str, device: str) -> str:
    """What ``auto`` stands for on a device (auto, cpu or cuda); any other precision is what it is.

    A processor without instructions for bfloat16 imitates it: convolutions of one with AVX2 took 15 times as long as in
    float32, where one with AVX512-BF16 is faster by it.
    """
    if precision != AUTO:
        return precision
    on_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return "bf16-mixed" if (_cuda_has_bfloat16() if on_cuda else _cpu_has_bfloat16()) else "32-true"


def _cuda_has_bfloat16() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def _cpu_has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
