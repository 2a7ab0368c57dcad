"""The models that ship: which there are, and where."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from audiovq.pretrained.card import (
    MUSIC_PRIOR,
    PRIOR,
    TOKENIZER,
    VOCODER,
    ModelCard,
    ModelError,
    read_card,
    read_kind,
    read_music_prior_card,
    read_prior_card,
    read_vocoder_card,
)
from audiovq.priors.music import MusicPriorConfig
from audiovq.priors.speech import SpeechPriorConfig
from audiovq.units import bits_per_second, frame_rate

BUNDLED = Path(__file__).parent


@dataclass(frozen=True)
class ModelInfo:
    """A bundled tokenizer, as ``audiovq.models()`` lists it."""

    name: str
    sample_rate: int
    frame_rates: tuple[Fraction, ...]
    bits_per_second: float
    num_parameters: int
    size_bytes: int
    licence: str
    path: Path


@dataclass(frozen=True)
class VocoderInfo:
    """A bundled vocoder; `frame_rate` is that of the mels that it reads."""

    name: str
    sample_rate: int
    frame_rate: Fraction
    num_mels: int
    num_parameters: int
    size_bytes: int
    licence: str
    path: Path


@dataclass(frozen=True)
class PriorInfo:
    """A bundled prior, of speech or music; `tokenizer` is the name and hash of the model whose codes it makes."""

    name: str
    tokenizer: str
    num_parameters: int
    size_bytes: int
    licence: str
    path: Path


def models() -> list[ModelInfo]:
    """The bundled tokenizers with their rates and sizes, by name."""
    return [_model_info(folder) for folder in _folders(TOKENIZER)]


def vocoders() -> list[VocoderInfo]:
    """The bundled vocoders with their rates and sizes, by name."""
    return [_vocoder_info(folder) for folder in _folders(VOCODER)]


def priors() -> list[PriorInfo]:
    """The bundled speech priors, by name."""
    return [_prior_info(folder, read_prior_card(folder)) for folder in _folders(PRIOR)]


def music_priors() -> list[PriorInfo]:
    """The bundled music priors, by name."""
    return [_prior_info(folder, read_music_prior_card(folder)) for folder in _folders(MUSIC_PRIOR)]


def find(name_or_folder: str | os.PathLike[str], kind: str = TOKENIZER) -> Path:
    """The folder of a bundled model, or the given folder; `kind` is what the complaint lists, not what is found.

    Raises: ModelError that lists the bundled names.
    """
    for folder in (BUNDLED / str(name_or_folder), Path(name_or_folder)):
        if (folder / "config.json").is_file():
            return folder
    names = ", ".join(folder.name for folder in _folders(kind)) or "none"
    raise ModelError(
        f"no model {os.fspath(name_or_folder)!r}: expected a bundled {kind} ({names}) "
        "or a folder with config.json and model.safetensors"
    )


def _folders(kind: str) -> Iterator[Path]:
    folders = (path.parent for path in sorted(BUNDLED.glob("*/config.json")))
    return (folder for folder in folders if read_kind(folder) == kind)


def _model_info(folder: Path) -> ModelInfo:
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
        size_bytes=_size_bytes(folder),
        licence=card.licence,
        path=folder,
    )


def _vocoder_info(folder: Path) -> VocoderInfo:
    card = read_vocoder_card(folder)
    mel = card.config.mel
    return VocoderInfo(
        name=card.name,
        sample_rate=mel.sample_rate,
        frame_rate=frame_rate(mel.sample_rate, mel.hop_length),
        num_mels=mel.num_mels,
        num_parameters=card.num_parameters,
        size_bytes=_size_bytes(folder),
        licence=card.licence,
        path=folder,
    )


def _prior_info(folder: Path, card: ModelCard[SpeechPriorConfig] | ModelCard[MusicPriorConfig]) -> PriorInfo:
    return PriorInfo(
        name=card.name,
        tokenizer=card.config.tokenizer,
        num_parameters=card.num_parameters,
        size_bytes=_size_bytes(folder),
        licence=card.licence,
        path=folder,
    )


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
