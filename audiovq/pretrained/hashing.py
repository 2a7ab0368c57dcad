"""Models as numbers: what defines codes, which whatever has the same can read, and a folder as a whole."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from audiovq.build import config_to_dict
from audiovq.models import VQVAE, VQVAEConfig

# Fields that came after the first codes were written. At their defaults they mean what went without saying before.
_LATER_FIELDS = ("stereo",)
_LATER_MEL_FIELDS = ("padding", "filter_scale", "filter_norm", "power_offset")


def codes_hash(model: VQVAE) -> str:
    """16 hex digits that change with anything that defines codes: front-end, encoder, codebooks and their links."""
    digest = hashlib.sha256()
    digest.update(json.dumps(_defining(model.config), sort_keys=True).encode())
    for part in ("encoder", "hierarchy"):
        state: dict[str, Tensor] = model.get_submodule(part).state_dict()
        for name in sorted(state):
            if not name.endswith(("ema_count", "ema_sum", "steps_to_restart", "is_started")):
                digest.update(name.encode() + bytes(state[name].cpu().contiguous().numpy().data))
    return digest.hexdigest()[:16]


def same_codes(first: str, second: str) -> bool:
    """Whether two models, each told by its name and hash, make codes that either can read."""
    return first.rpartition("@")[2] == second.rpartition("@")[2]


def weights_hash(network: nn.Module, config: Any) -> str:
    """16 hex digits that change with any weight of a network, and with its configuration."""
    digest = hashlib.sha256(json.dumps(config_to_dict(config), sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + bytes(tensor.cpu().contiguous().numpy().data))
    return digest.hexdigest()[:16]


def folder_hash(folder: Path) -> str:
    """SHA-256 of a tokenizer or vocoder in full, 64 hex digits, whatever its README says."""
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _defining(config: VQVAEConfig) -> dict[str, Any]:
    values = config_to_dict(config)
    for reader in ("head", "head_strides", "head_blocks"):
        del values[reader]
    for level in values["levels"]:
        del level["decoder_blocks"]
    usual = config_to_dict(VQVAEConfig())
    for given, expected, names in (
        (values, usual, _LATER_FIELDS),
        (values["mel"], usual["mel"], _LATER_MEL_FIELDS),
    ):
        for name in names:
            if given[name] == expected[name]:
                del given[name]
    return values
