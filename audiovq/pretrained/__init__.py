"""Models on disk: the bundled ones, and the folder format that they and your own share.

A model is a folder: ``config.json`` (format version, name, licence, the network's configuration),
``model.safetensors`` (its tensors) and, for people, ``README.md``. Nothing in it is ever executed.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from audiovq.build import config_from_dict, config_to_dict
from audiovq.files import write_atomically
from audiovq.models import VQVAE, VQVAEConfig
from audiovq.units import bits_per_second, frame_rate

FORMAT_VERSION = 1
BUNDLED = Path(__file__).parent


class ModelError(ValueError):
    """A model that cannot be found or read, with the reason."""


@dataclass(frozen=True)
class ModelCard:
    """What config.json says, beside the network."""

    name: str
    licence: str
    num_parameters: int
    config: VQVAEConfig


@dataclass(frozen=True)
class ModelInfo:
    """A bundled model, as ``audiovq.models()`` lists it."""

    name: str
    sample_rate: int
    frame_rates: tuple[Fraction, ...]
    bits_per_second: float
    num_parameters: int
    size_bytes: int
    licence: str
    path: Path


def models() -> list[ModelInfo]:
    """The bundled models with their rates and sizes, by name."""
    return [_info(path.parent) for path in sorted(BUNDLED.glob("*/config.json"))]


def find(name_or_folder: str | os.PathLike[str]) -> Path:
    """The folder of a bundled model, or the given folder.

    Raises: ModelError that lists the bundled names.
    """
    for folder in (BUNDLED / str(name_or_folder), Path(name_or_folder)):
        if (folder / "config.json").is_file():
            return folder
    names = ", ".join(path.parent.name for path in sorted(BUNDLED.glob("*/config.json"))) or "none"
    raise ModelError(
        f"no model {os.fspath(name_or_folder)!r}: expected a bundled name ({names}) "
        "or a folder with config.json and model.safetensors"
    )


def read_card(folder: Path) -> ModelCard:
    """Raises: ModelError when config.json is missing, no JSON, of another version, or has unknown keys."""
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            raise ModelError(f"{path} has format version {version}, this audiovq reads {FORMAT_VERSION}")
        config = config_from_dict(VQVAEConfig, values["model"])
        return ModelCard(values["name"], values["licence"], values["num_parameters"], config)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except KeyError as error:
        raise ModelError(f"{path} lacks the key {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no model configuration: {error}") from error


def load_model(folder: Path) -> tuple[VQVAE, ModelCard]:
    """The network in evaluation mode, on the CPU. Raises: ModelError."""
    card = read_card(folder)
    path = folder / "model.safetensors"
    try:
        tensors = safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise ModelError(f"{folder} has no model.safetensors") from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are none of our business
        model = VQVAE(card.config)
    try:
        model.load_state_dict({name: _full(tensor) for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ModelError(f"{path} does not fit its config.json: {error}") from error
    return model.eval(), card


def save_model(folder: Path, model: VQVAE, name: str, licence: str) -> None:
    """Write config.json and model.safetensors, weights in half precision; both appear whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    card = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "licence": licence,
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "model": config_to_dict(model.config),
    }
    tensors = {key: _half(value).contiguous() for key, value in model.state_dict().items()}
    with write_atomically(folder / "model.safetensors") as file:
        file.write(safetensors.torch.save(tensors))
    with write_atomically(folder / "config.json") as file:
        file.write((json.dumps(card, indent=2) + "\n").encode())


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


def _defining(config: VQVAEConfig) -> dict[str, Any]:
    values = config_to_dict(config)
    for reader in ("head", "head_strides", "head_blocks"):
        del values[reader]
    for level in values["levels"]:
        del level["decoder_blocks"]
    return values


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


def _info(folder: Path) -> ModelInfo:
    card = read_card(folder)
    config = card.config
    return ModelInfo(
        name=card.name,
        sample_rate=config.sample_rate,
        frame_rates=tuple(frame_rate(config.sample_rate, hop) for hop in config.hop_lengths),
        bits_per_second=bits_per_second(
            config.sample_rate, config.hop_lengths, config.num_codebooks, config.codebook_sizes
        ),
        num_parameters=card.num_parameters,
        size_bytes=sum(path.stat().st_size for path in folder.iterdir()),
        licence=card.licence,
        path=folder,
    )
