"""What a model's config.json says, and what of it is refused."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from audiovq.build import config_from_dict
from audiovq.models import VQVAEConfig
from audiovq.models.vocoder import VocoderConfig
from audiovq.priors.music import MusicPriorConfig
from audiovq.priors.speech import SpeechPriorConfig

FORMAT_VERSION = 1
TOKENIZER, VOCODER, PRIOR, MUSIC_PRIOR = "tokenizer", "vocoder", "prior", "music prior"
KINDS = (TOKENIZER, VOCODER, PRIOR, MUSIC_PRIOR)

C = TypeVar("C")


class ModelError(ValueError):
    """A model that cannot be found, read or used, with the reason."""


@dataclass(frozen=True)
class ModelCard(Generic[C]):
    """What config.json says, beside the network's configuration."""

    name: str
    licence: str
    num_parameters: int
    config: C


def read_card(folder: Path) -> ModelCard[VQVAEConfig]:
    """Of a tokenizer.

    Raises: ModelError when config.json is missing, no JSON, of another version or kind, or has unknown keys.
    """
    return _read(folder, TOKENIZER, VQVAEConfig)


def read_vocoder_card(folder: Path) -> ModelCard[VocoderConfig]:
    """Of a vocoder. Raises: as ``read_card`` does."""
    return _read(folder, VOCODER, VocoderConfig)


def read_prior_card(folder: Path) -> ModelCard[SpeechPriorConfig]:
    """Of a speech prior. Raises: as ``read_card`` does."""
    return _read(folder, PRIOR, SpeechPriorConfig)


def read_music_prior_card(folder: Path) -> ModelCard[MusicPriorConfig]:
    """Of a music prior. Raises: as ``read_card`` does."""
    return _read(folder, MUSIC_PRIOR, MusicPriorConfig)


def read_kind(folder: Path) -> str:
    """One of KINDS. Raises: ModelError when config.json is missing, no JSON, or of another kind."""
    return _kind(_values(folder), folder)


def _read(folder: Path, kind: str, config_class: type[C]) -> ModelCard[C]:
    path, values = folder / "config.json", _values(folder)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise ModelError(f"{path} has format version {version}, this audiovq reads {FORMAT_VERSION}")
    found = _kind(values, folder)
    if found != kind:
        raise ModelError(f"{folder} holds a {found}, expected a {kind}")
    try:
        config = config_from_dict(config_class, values["model"])
        return ModelCard(values["name"], values["licence"], values["num_parameters"], config)
    except KeyError as error:
        raise ModelError(f"{path} lacks the key {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no model configuration: {error}") from error


def _values(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path} is no model configuration: {error}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} is no model configuration: expected a table, got {type(values).__name__}")
    return values


def _kind(values: dict[str, Any], folder: Path) -> str:
    kind = values.get("kind", TOKENIZER)  # the first models had no such key
    if kind not in KINDS:
        raise ModelError(f"{folder / 'config.json'} has kind {kind!r}, this audiovq reads {', '.join(KINDS)}")
    return str(kind)
