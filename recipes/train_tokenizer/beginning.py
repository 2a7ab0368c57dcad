"""The network that a training begins with."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from audiovq.build import differing_fields
from audiovq.models import VQVAE
from audiovq.models.beginning import untrained
from audiovq.models.other_bands import carry_bands, reads_other_bands
from audiovq.pretrained import find, load_model
from recipes.schema import TrainTokenizerConfig


def initial_model(config: TrainTokenizerConfig) -> VQVAE:
    """The network of a new run: random, or ``init_from`` with its codebooks already started.

    Raises: ValueError when ``init_from`` is another model and ``init_partly`` does not allow that.
    """
    if not config.init_from:
        return untrained(config.model)
    source, card = load_model(find(config.init_from))
    differing = differing_fields(card.config, config.model)
    if not differing:
        return source
    if not config.init_partly:
        raise ValueError(
            f"init_from={config.init_from} is another model than this configuration: {', '.join(differing)}; "
            "init_partly=true takes over what fits"
        )
    model = untrained(config.model)
    fitting = tensors_that_fit(source.state_dict(), model.state_dict())
    model.load_state_dict(fitting, strict=False)
    if reads_other_bands(source, model):
        carry_bands(source, model)
    print(
        f"init_from={config.init_from}: {len(fitting)} of {len(model.state_dict())} tensors fit, the others begin anew"
    )
    return model


def tensors_that_fit(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of ``source`` whose name and shape ``target`` has; a quantizer fits whole or not at all."""
    fits = {name: name in source and source[name].shape == tensor.shape for name, tensor in target.items()}
    quantizers = [name.removesuffix("codebook") for name in target if name.endswith(".codebook")]
    broken = [prefix for prefix in quantizers if not all(fits[name] for name in fits if name.startswith(prefix))]
    return {name: source[name] for name, fit in fits.items() if fit and not name.startswith(tuple(broken))}
