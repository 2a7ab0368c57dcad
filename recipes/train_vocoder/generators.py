"""What is trained to make sound: from log-mels, or from the codes of a tokenizer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from audiovq.audio.mel import LogMel, LogMelConfig, differences
from audiovq.build import differing_fields
from audiovq.models import VQVAE
from audiovq.models.vocoder import Vocoder
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import VOCODER, ModelError, codes_hash, find, load_model, load_vocoder, save_model, save_vocoder
from recipes.schema import TrainVocoderConfig

TRUE_MELS = "true"


class Generator(ABC):
    """What is trained to make sound, what it reads of a wave, and how it is saved.

    ``network`` is trained; all else is frozen. ``views`` names what it can read, with the share of each in training.
    """

    network: nn.Module
    average: nn.Module  # another of the same form, for the averaged weights
    mel: LogMelConfig
    hop_length: int  # samples of a frame of the mask
    views: Mapping[str, float]

    @abstractmethod
    def read(self, wave: Tensor, mask: FrameMask, view: str, keep: Tensor | None = None) -> list[Tensor]:
        """What the network reads of a wave. ``keep`` (B,): levels of each item that it may know (None: all)."""

    @abstractmethod
    def sound(self, network: nn.Module, features: list[Tensor], mask: FrameMask, keep: Tensor | None = None) -> Tensor:
        """Shape: -> (B, 1, T)."""

    @abstractmethod
    def save(self, folder: Path, name: str, licence: str) -> None:
        """Write the model with the weights of ``average``."""


class MelGenerator(Generator):
    """A vocoder; it reads true log-mels, or those that one of ``tokenizers``, by name, decodes from its codes."""

    def __init__(self, config: TrainVocoderConfig, tokenizers: Mapping[str, VQVAE], device: torch.device) -> None:
        self.vocoder, self.averaged = Vocoder(config.model).to(device), Vocoder(config.model).to(device)
        self.network, self.average = self.vocoder, self.averaged
        self.mel, self.tokenizers = config.model.mel, tokenizers
        self.log_mel = LogMel(self.mel).to(device)
        for name, tokenizer in tokenizers.items():
            check_mel(self.mel, tokenizer, name)
        # Whole frames of every tokenizer's coarsest level.
        self.hop_length = math.lcm(self.mel.hop_length, *(each.config.hop_lengths[0] for each in tokenizers.values()))
        decoded = {name: config.decoded_share / len(tokenizers) for name in tokenizers}
        self.views = {TRUE_MELS: 1 - config.decoded_share, **decoded}
        if config.init_from:
            vocoder, _ = load_vocoder(find(config.init_from, VOCODER))
            check_same_form(config.init_from, vocoder.config, config.model)
            self.vocoder.load_state_dict(vocoder.state_dict())

    def read(self, wave: Tensor, mask: FrameMask, view: str, keep: Tensor | None = None) -> list[Tensor]:
        if view == TRUE_MELS:
            return [self.log_mel(wave)]
        tokenizer = self.tokenizers[view]
        coarsest = FrameMask(mask.at(self.hop_length // tokenizer.config.hop_lengths[0])[:, 0] > 0)
        return [tokenizer(wave, coarsest, keep).output]

    def sound(self, network: nn.Module, features: list[Tensor], mask: FrameMask, keep: Tensor | None = None) -> Tensor:
        return network(features[0], mask.at(self.hop_length // self.mel.hop_length))

    def save(self, folder: Path, name: str, licence: str) -> None:
        save_vocoder(folder, self.averaged, name, licence)


class CodesGenerator(Generator):
    """The decoder of a tokenizer with a new head; encoder and codebooks, all that defines codes, stay as they are."""

    def __init__(self, config: TrainVocoderConfig, tokenizer: VQVAE, device: torch.device) -> None:
        wanted, old = config.decoder, tokenizer.config
        blocks = list(wanted.decoder_blocks) or [level.decoder_blocks for level in old.levels]
        if len(blocks) != old.num_levels:
            raise ValueError(
                f"decoder.decoder_blocks are {blocks}, expected one for each of the {old.num_levels} levels"
            )
        levels = [replace(level, decoder_blocks=n) for level, n in zip(old.levels, blocks, strict=True)]
        form = replace(
            old, head="istft", head_strides=wanted.head_strides, head_blocks=wanted.head_blocks, levels=levels
        )
        self.model, self.averaged = VQVAE(form).to(device), VQVAE(form).to(device).eval()
        self.network, self.average = self.model.decoder, self.averaged.decoder
        self.mel, self.hop_length, self.views = form.mel, form.hop_lengths[0], {"codes": 1.0}
        source = tokenizer
        if config.init_from:
            source, _ = load_model(find(config.init_from))
            check_same_form(config.init_from, source.config, form)
            if codes_hash(source) != codes_hash(tokenizer):
                raise ModelError(f"init_from={config.init_from} reads other codes than {config.tokenizers[0]}")
        fitting = {
            name: value
            for name, value in source.decoder.state_dict().items()
            if name in (own := self.network.state_dict()) and own[name].shape == value.shape
        }
        self.network.load_state_dict(fitting, strict=False)
        for model in (self.model, self.averaged):
            model.encoder.load_state_dict(tokenizer.encoder.state_dict())
            model.hierarchy.load_state_dict(tokenizer.hierarchy.state_dict())
            model.encoder.eval().requires_grad_(False)
            model.hierarchy.eval().requires_grad_(False)

    def read(self, wave: Tensor, mask: FrameMask, view: str, keep: Tensor | None = None) -> list[Tensor]:
        features = self.model.encoder(self.model.features(wave), mask)
        return [level.latent for level in self.model.hierarchy(features, mask)[1]]

    def sound(self, network: nn.Module, features: list[Tensor], mask: FrameMask, keep: Tensor | None = None) -> Tensor:
        if keep is None:
            keep = torch.full((len(features[0]),), len(features), device=features[0].device)
        return network(features, keep, mask)

    def save(self, folder: Path, name: str, licence: str) -> None:
        save_model(folder, self.averaged, name, licence)


def make_generator(config: TrainVocoderConfig, device: torch.device) -> Generator:
    """Raises: ModelError for a tokenizer or ``init_from`` that does not fit."""
    tokenizers = {name: load_model(find(name))[0].to(device).requires_grad_(False) for name in config.tokenizers}
    if config.source == "mel":
        return MelGenerator(config, tokenizers, device)
    (tokenizer,) = tokenizers.values()
    return CodesGenerator(config, tokenizer, device)


def check_mel(mel: LogMelConfig, tokenizer: VQVAE, name: str) -> None:
    """Raises: ModelError when the tokenizer decodes to other mels than the vocoder reads."""
    if tokenizer.config.head != "mel":
        raise ModelError(f"the tokenizer {name} decodes to waveforms: a vocoder has nothing to read of it")
    if different := differences(tokenizer.config.mel, mel):
        raise ModelError(f"the tokenizer {name} decodes to other mels than model.mel reads: {'; '.join(different)}")


def check_same_form(name: str, found: object, wanted: object) -> None:
    """Raises: ModelError that lists the differing settings."""
    if differing := differing_fields(found, wanted):
        raise ModelError(f"init_from={name} is another model than this configuration: {', '.join(differing)}")
