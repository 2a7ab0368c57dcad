"""Networks to folders and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from audiovq.build import config_to_dict
from audiovq.models import VQVAE, VQVAEConfig
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained.card import (
    FORMAT_VERSION,
    MUSIC_PRIOR,
    PRIOR,
    VOCODER,
    ModelCard,
    ModelError,
    read_card,
    read_music_prior_card,
    read_prior_card,
    read_vocoder_card,
)
from audiovq.priors.music import MusicPrior, MusicPriorConfig
from audiovq.priors.speech import SpeechPrior, SpeechPriorConfig
from audiovq.system.files import write_atomically

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


def load_model(folder: Path) -> tuple[VQVAE, ModelCard[VQVAEConfig]]:
    """A tokenizer's network in evaluation mode, on the CPU. Raises: ModelError."""
    return _load(folder, read_card(folder), VQVAE)


def load_vocoder(folder: Path) -> tuple[Vocoder, ModelCard[VocoderConfig]]:
    """A vocoder in evaluation mode, on the CPU. Raises: ModelError."""
    return _load(folder, read_vocoder_card(folder), Vocoder)


def load_prior(folder: Path) -> tuple[SpeechPrior, ModelCard[SpeechPriorConfig]]:
    """A speech prior in evaluation mode, on the CPU. Raises: ModelError."""
    return _load(folder, read_prior_card(folder), SpeechPrior)


def load_music_prior(folder: Path) -> tuple[MusicPrior, ModelCard[MusicPriorConfig]]:
    """A music prior in evaluation mode, on the CPU. Raises: ModelError."""
    return _load(folder, read_music_prior_card(folder), MusicPrior)


def save_model(folder: Path, model: VQVAE, name: str, licence: str) -> None:
    """Write config.json and model.safetensors, weights in half precision; both appear whole or not at all."""
    _save(folder, model, {"name": name, "licence": licence}, model.config)


def save_vocoder(folder: Path, vocoder: Vocoder, name: str, licence: str) -> None:
    """As ``save_model``, for a vocoder."""
    _save(folder, vocoder, {"kind": VOCODER, "name": name, "licence": licence}, vocoder.config)


def save_prior(folder: Path, prior: SpeechPrior, name: str, licence: str) -> None:
    """As ``save_model``, for a speech prior."""
    _save(folder, prior, {"kind": PRIOR, "name": name, "licence": licence}, prior.config)


def save_music_prior(folder: Path, prior: MusicPrior, name: str, licence: str) -> None:
    """As ``save_model``, for a music prior."""
    _save(folder, prior, {"kind": MUSIC_PRIOR, "name": name, "licence": licence}, prior.config)


def _load(
    folder: Path, card: ModelCard[Config], build: Callable[[Config], Network]
) -> tuple[Network, ModelCard[Config]]:
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are none of our business
        network = build(card.config)
    _fill(network, folder)
    return network.eval(), card


def _fill(network: nn.Module, folder: Path) -> None:
    path = folder / "model.safetensors"
    try:
        tensors = safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise ModelError(f"{folder} has no model.safetensors") from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    try:
        network.load_state_dict({name: _full(tensor) for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ModelError(f"{path} does not fit its config.json: {error}") from error


def _save(folder: Path, network: nn.Module, about: dict[str, str], config: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    card: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        **about,
        "num_parameters": sum(parameter.numel() for parameter in network.parameters()),
        "model": config_to_dict(config),
    }
    tensors = {key: _half(value).contiguous() for key, value in network.state_dict().items()}
    with write_atomically(folder / "model.safetensors") as file:
        file.write(safetensors.torch.save(tensors))
    with write_atomically(folder / "config.json") as file:
        file.write((json.dumps(card, indent=2) + "\n").encode())


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
