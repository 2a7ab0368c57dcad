"""The state of every global random number generator, as a checkpoint holds it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """The states of Python, numpy, torch and its CUDA devices, in plain values and tensors."""
    kind, words, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002 (other code draws from it)
    return {
        "python": random.getstate(),
        "numpy": (str(kind), torch.from_numpy(np.asarray(words, dtype=np.int64)), int(position), int(has_gauss), gauss),
        "torch": torch.get_rng_state(),
        # To ask for the state of devices that nobody has used would start them.
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Go on drawing as after `random_state()`; the states of CUDA devices that are not here are left out."""
    kind, words, *rest = state["numpy"]
    random.setstate(state["python"])
    np.random.set_state((kind, words.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    for device, of_device in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
        torch.cuda.set_rng_state(of_device, device)


def seed_everything(seed: int, rank: int = 0) -> None:
    """Begin all of them anew, another way for each process."""
    random.seed(f"{seed} {rank}")
    np.random.seed((seed + 1000003 * rank) % 2**32)  # noqa: NPY002
    torch.manual_seed(seed + 1000003 * rank)
