"""Models on disk: the bundled ones, and the folder format that they and your own share.

A model is a folder: ``config.json`` (format version, kind, name, licence, the network's configuration),
``model.safetensors`` (its tensors) and, for people, ``README.md``. The kind is "vocoder", or absent for a tokenizer.
Nothing in a folder is ever executed.
"""

from audiovq.pretrained.bundled import ModelInfo, PriorInfo, VocoderInfo, find, models, music_priors, priors, vocoders
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
from audiovq.pretrained.fitting import GRIFFIN_LIM, check_fits, check_prior, find_vocoder
from audiovq.pretrained.folder import (
    load_model,
    load_music_prior,
    load_prior,
    load_vocoder,
    save_model,
    save_music_prior,
    save_prior,
    save_vocoder,
)
from audiovq.pretrained.hashing import codes_hash, folder_hash, same_codes, weights_hash

__all__ = [
    "GRIFFIN_LIM",
    "MUSIC_PRIOR",
    "PRIOR",
    "TOKENIZER",
    "VOCODER",
    "ModelCard",
    "ModelError",
    "ModelInfo",
    "PriorInfo",
    "VocoderInfo",
    "check_fits",
    "check_prior",
    "codes_hash",
    "find",
    "find_vocoder",
    "folder_hash",
    "load_model",
    "load_music_prior",
    "load_prior",
    "load_vocoder",
    "models",
    "music_priors",
    "priors",
    "read_card",
    "read_kind",
    "read_music_prior_card",
    "read_prior_card",
    "read_vocoder_card",
    "same_codes",
    "save_model",
    "save_music_prior",
    "save_prior",
    "save_vocoder",
    "vocoders",
    "weights_hash",
]
