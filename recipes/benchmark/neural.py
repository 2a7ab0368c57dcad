"""EnCodec, DAC, Mimi and SNAC through the packages that their users take, with trained weights or random ones.

Random weights are as fast as trained ones, and sound like nothing.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audiovq.system.optional import optional_package
from recipes.benchmark.codec import Encoded
from recipes.benchmark.weights import find_weights, need_package


class NeuralCodec(ABC):
    """One published network at one bit rate."""

    hub_name: str
    title: str
    package: str

    def __init__(self, setting: str, weights: str | None = None) -> None:
        need_package(self.package)
        self._folder = find_weights(self.hub_name, weights)
        self.trained = self._folder is not None
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            for category in (DeprecationWarning, FutureWarning):  # of torch, about its parts that these packages use
                warnings.simplefilter("ignore", category)
            torch.manual_seed(0)  # the same random weights in every run
            self._model: Any = self.build(self._folder).eval()
        self._setting = setting
        self.name = self.title.format(setting) + ("" if self.trained else " (random weights)")
        self.identity = self._folder or "random weights"
        self.num_parameters: int | None = sum(parameter.numel() for parameter in self._model.parameters())
        self.sample_rate = self.rate()

    @abstractmethod
    def build(self, folder: str | None) -> nn.Module:
        """The network, from a folder of weights or with random ones in the published shape."""

    def rate(self) -> int:
        """The sample rate of the network."""
        return int(self._model.config.sampling_rate)

    @abstractmethod
    def encode_batch(self, wave: Tensor) -> tuple[Any, Sequence[Tensor], int]:
        """What ``decode_batch`` reads, its tensors of codes, and the entries in a codebook. Shape: (1, 1, T)."""

    @abstractmethod
    def decode_batch(self, content: Any) -> Tensor:
        """Shape: () -> (1, 1, T)."""

    @torch.inference_mode()
    def encode(self, wave: Tensor) -> Encoded:
        content, codes, codebook_size = self.encode_batch(wave[None])
        return Encoded(content, round(sum(each.numel() for each in codes) * math.log2(codebook_size)), None)

    @torch.inference_mode()
    def decode(self, encoded: Encoded) -> Tensor:
        return self.decode_batch(encoded.content)[0].clone()


class TransformersCodec(NeuralCodec):
    """A network of transformers: ``kind`` is the first part of the names of its classes, ``argument`` its setting's."""

    package = "transformers"
    kind: str
    argument: str
    as_number: type[int] | type[float] = int
    published: Mapping[str, Any] = {}  # where the published network is not the default of its configuration

    def build(self, folder: str | None) -> nn.Module:
        package: Any = optional_package("transformers", "rivals")
        model = getattr(package, f"{self.kind}Model")
        if folder is not None:
            return model.from_pretrained(folder)
        return model(getattr(package, f"{self.kind}Config")(**self.published))

    def encode_batch(self, wave: Tensor) -> tuple[Any, Sequence[Tensor], int]:
        content = self._model.encode(wave, **{self.argument: self.as_number(self._setting)})
        return content, [content.audio_codes], self._model.config.codebook_size

    def decode_batch(self, content: Any) -> Tensor:
        return self._model.decode(content.audio_codes).audio_values


class EncodecCodec(TransformersCodec):
    """EnCodec at 24 kHz; the setting is its target in kbit/s: 1.5, 3, 6, 12 or 24."""

    hub_name = "facebook/encodec_24khz"
    title = "EnCodec 24 kHz, {} kbit/s"
    kind, argument, as_number = "Encodec", "bandwidth", float

    def decode_batch(self, content: Any) -> Tensor:
        return self._model.decode(content.audio_codes, content.audio_scales).audio_values


class DacCodec(TransformersCodec):
    """DAC at 16 kHz; the setting is how many of its 12 codebooks, each 500 bit/s."""

    hub_name = "descript/dac_16khz"
    title = "DAC 16 kHz, {} codebooks"
    kind, argument = "Dac", "n_quantizers"
    published: Mapping[str, Any] = {"downsampling_ratios": [2, 4, 5, 8], "n_codebooks": 12}

    def encode_batch(self, wave: Tensor) -> tuple[Any, Sequence[Tensor], int]:
        # The network has no padding of its own; a part of a hop at the end would be left out.
        return super().encode_batch(nn.functional.pad(wave, (0, -wave.shape[2] % self._model.config.hop_length)))

    def decode_batch(self, content: Any) -> Tensor:
        return self._model.decode(audio_codes=content.audio_codes).audio_values[:, None]


class MimiCodec(TransformersCodec):
    """Mimi at 24 kHz; the setting is how many of its 32 codebooks, each 137.5 bit/s."""

    hub_name = "kyutai/mimi"
    title = "Mimi 24 kHz, {} codebooks"
    kind, argument = "Mimi", "num_quantizers"


class SnacCodec(NeuralCodec):
    """SNAC at 24 kHz: three rates, 984 bit/s; it has no settings."""

    hub_name = "hubertsiuzdak/snac_24khz"
    title = "SNAC 24 kHz"
    package = "snac"

    def build(self, folder: str | None) -> nn.Module:
        from snac import SNAC

        if folder is not None:
            return SNAC.from_pretrained(folder)
        return SNAC(
            sampling_rate=24_000,
            encoder_dim=48,
            encoder_rates=[2, 4, 8, 8],
            decoder_dim=1024,
            decoder_rates=[8, 8, 4, 2],
            attn_window_size=None,
            codebook_size=4096,
            codebook_dim=8,
            vq_strides=[4, 2, 1],
        )

    def rate(self) -> int:
        return int(self._model.sampling_rate)

    def encode_batch(self, wave: Tensor) -> tuple[Any, Sequence[Tensor], int]:
        codes = self._model.encode(wave)
        return codes, codes, self._model.codebook_size

    def decode_batch(self, content: Any) -> Tensor:
        return self._model.decode(content)
