"""Whether a prior is whole, and makes codes of a tokenizer."""

from audiovq.pretrained.card import ModelError
from audiovq.pretrained.hashing import same_codes
from audiovq.priors.config import check_complete
from audiovq.priors.music import MusicPriorConfig
from audiovq.priors.speech import SpeechPriorConfig


def check_prior(name: str, config: SpeechPriorConfig | MusicPriorConfig, model_id: str) -> None:
    """Raises: ModelError unless all levels are made, in codes that the tokenizer of this name and hash can read."""
    if not same_codes(config.tokenizer, model_id):
        raise ModelError(f"{name} makes codes of {config.tokenizer}, which {model_id} cannot decode: name its own")
    try:
        check_complete(config.networks)
    except ValueError as error:
        raise ModelError(f"{name} is a part of a prior: {error}; recipes.pack_prior puts parts together") from error
