"""Networks that grade speech as listeners would, from the result alone. For speech only."""

from __future__ import annotations

import contextlib
import functools
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError, wave_pair
from audiovq.system.optional import optional_package

MOS_RATE = 16_000
_DISTILLMOS_WINDOW, _DISTILLMOS_HOP = 122_880, 16_000  # samples: 7.68 s and 1 s
_PLCMOS_LISTENERS = 15


def distillmos(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """DistillMOS of the result, at 16 kHz; the reference is not listened to: 1 to 5, higher is better, in MOS.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the result is silent.
    Source: Stahl and Gamper 2025, "Distillation and Pruning for Scalable Self-Supervised Representation-Based Speech
    Quality Assessment", variant 7; by the package distillmos.
    """
    wave = torch.from_numpy(_speech("DistillMOS", reference, result, sample_rate))[None]
    model = _distillmos()
    excess = max(0, wave.shape[1] - _DISTILLMOS_WINDOW)
    # The windows that the package itself takes, but one at a time: all at once a long recording needs gigabytes.
    starts = [int(place * excess) for place in np.linspace(0, 1, math.ceil(excess / _DISTILLMOS_HOP) + 1)]
    with torch.inference_mode():
        return float(np.mean([model(wave[:, start : start + _DISTILLMOS_WINDOW]).item() for start in starts]))


def dnsmos_p808(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """DNSMOS P.808 of the result, at 16 kHz; the reference is not listened to: 1 to 5, higher is better, in MOS.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the result is silent.
    Source: Reddy et al. 2021, "DNSMOS: A Non-Intrusive Perceptual Objective Speech Quality Metric to Evaluate Noise
    Suppressors"; by the package speechmos.
    """
    wave = _speech("DNSMOS", reference, result, sample_rate)
    return float(_dnsmos()(wave, MOS_RATE, False)["p808_mos"])


def plcmos(reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> float:
    """PLCMOS v2 of the result, at 16 kHz; the reference is not listened to: 1 to 5, higher is better, in MOS.

    The mean over 15 imagined listeners, always the same ones: the package draws new ones at each call.

    Shape: each (T,) or (1, T)
    Raises: NotMeasurableError when the result is silent.
    Source: Diener et al. 2023, "PLCMOS - A Data-driven Non-intrusive Metric for the Evaluation of Packet Loss
    Concealment Algorithms"; by the package speechmos.
    """
    wave = _speech("PLCMOS", reference, result, sample_rate)
    model = _plcmos()
    features = np.float32(model.stft_transform(wave))[None, None]
    listeners = np.random.default_rng(0).normal(size=(_PLCMOS_LISTENERS, 1, 64)).astype(np.float32)
    grades = [model.session.run(None, {"degraded_audio": features, "rater_embed": each})[0] for each in listeners]
    return float(np.mean(grades))


def _speech(name: str, reference: Tensor | np.ndarray, result: Tensor | np.ndarray, sample_rate: int) -> np.ndarray:
    _, wave = wave_pair(reference, result)
    if not wave.any():
        raise NotMeasurableError(f"{name} needs speech; the result is silent")
    samples: np.ndarray = resample(wave[None], sample_rate, MOS_RATE)[0].clamp(-1, 1).numpy()
    return samples


@functools.cache
def _distillmos() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it says where its weights lie
        return optional_package("distillmos").ConvTransformerSQAModel().eval()


@functools.cache
def _dnsmos() -> Any:
    optional_package("speechmos")
    package = optional_package("speechmos.dnsmos")
    folder = Path(str(package.__file__)).parent / "dnsmos_models"
    model = package.DNSMOS(folder / "sig_bak_ovr.onnx", folder / "model_v8.onnx")
    model.onnx_sess, model.p808_onnx_sess = map(_one_thread, (model.onnx_sess, model.p808_onnx_sess))
    return model


@functools.cache
def _plcmos() -> Any:
    optional_package("speechmos")
    model = optional_package("speechmos.plcmos").PLCMOS()
    model.session = _one_thread(model.session)
    return model


def _one_thread(session: Any) -> Any:
    """The same network on one thread: sessions that take all cores spin against one another in parallel scoring."""
    runtime = optional_package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(session._model_path, options, providers=["CPUExecutionProvider"])
