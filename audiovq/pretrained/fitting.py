"""Which models fit together: a vocoder and a tokenizer, a prior and a tokenizer."""

import os
from pathlib import Path

from audiovq.audio.mel import LogMelConfig, differences
from audiovq.models import VQVAEConfig
from audiovq.pretrained.bundled import find, vocoders
from audiovq.pretrained.card import VOCODER, ModelError, read_vocoder_card
from audiovq.pretrained.hashing import same_codes
from audiovq.priors.config import check_complete
from audiovq.priors.music import MusicPriorConfig
from audiovq.priors.speech import SpeechPriorConfig

GRIFFIN_LIM = "griffin-lim"


def find_vocoder(config: VQVAEConfig, vocoder: str | os.PathLike[str] | None) -> Path | None:
    """The folder of the vocoder for a tokenizer; None when Griffin-Lim or its own head makes the sound.

    ``vocoder`` is as in ``audiovq.load``.

    Raises: ModelError when there is no such vocoder, or the tokenizer decodes to waveforms and takes none.
    """
    if config.head != "mel":
        if vocoder is not None:
            raise ModelError(f"this model decodes to waveforms and takes no vocoder, got {os.fspath(vocoder)!r}")
        return None
    if vocoder is None:
        fitting = (info.path for info in vocoders() if read_vocoder_card(info.path).config.mel == config.mel)
        return next(fitting, None)
    return None if vocoder == GRIFFIN_LIM else find(vocoder, VOCODER)


def check_fits(vocoder_name: str, vocoder_mel: LogMelConfig, name: str, mel: LogMelConfig) -> None:
    """Raises: ModelError that names every field in which the mels of a vocoder and of a tokenizer differ."""
    different = differences(vocoder_mel, mel)
    if different:
        raise ModelError(
            f"the vocoder {vocoder_name} reads other mels than {name} decodes: {'; '.join(different)}. "
            f"Take another vocoder, or {GRIFFIN_LIM!r}"
        )


def check_prior(name: str, config: SpeechPriorConfig | MusicPriorConfig, model_id: str) -> None:
    """Raises: ModelError unless all levels are made, in codes that the tokenizer of this name and hash can read."""
    if not same_codes(config.tokenizer, model_id):
        raise ModelError(f"{name} makes codes of {config.tokenizer}, which {model_id} cannot decode: name its own")
    try:
        check_complete(config.networks)
    except ValueError as error:
        raise ModelError(f"{name} is a part of a prior: {error}; recipes.pack_prior puts parts together") from error
