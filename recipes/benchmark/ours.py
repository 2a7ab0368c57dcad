"""Models of this project."""

from __future__ import annotations

from torch import Tensor

import audiovq
from audiovq.pretrained import ModelError, find, find_vocoder, folder_hash
from recipes.benchmark.codec import Encoded, NotAvailableError


class AudiovqCodec:
    """A bundled name or a folder."""

    def __init__(self, model: str) -> None:
        try:
            folder = find(model)
            self._tokenizer = audiovq.load(model)
        except ModelError as error:
            raise NotAvailableError(str(error), "`audiovq models` lists those that ship") from error
        vocoder = self._tokenizer.vocoder_name  # which makes the sound of its mels
        # As it was given: two folders may hold models of one name.
        self.name = f"audiovq {model}" + (f", {vocoder}" if vocoder is not None else "")
        self.sample_rate = self._tokenizer.sample_rate
        self.trained = True
        inverter = find_vocoder(self._tokenizer.model.config, None)
        self.identity = folder_hash(folder) + ("" if inverter is None else f" with {folder_hash(inverter)}")
        self.num_parameters: int | None = self._tokenizer.num_parameters

    def encode(self, wave: Tensor) -> Encoded:
        codes = self._tokenizer.encode(wave, sample_rate=self.sample_rate)
        payload = sum(
            level.numel() * (size - 1).bit_length()
            for level, size in zip(codes.levels, codes.codebook_sizes, strict=True)
        )
        return Encoded(codes, payload, 8 * len(codes.to_bytes()))

    def decode(self, encoded: Encoded) -> Tensor:
        return self._tokenizer.decode(encoded.content)
