"""What a network that tags music hears: embeddings for Fréchet distances, and tags."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import librosa
import numpy as np
import torch
from torch import Tensor, nn

from audiovq.audio.resample import resample
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.tf_checkpoint import read_checkpoint
from audiovq.system.optional import how_to_install

NAME = "musicnn 0.1.0, MTT_vgg, pool5"
_SHA256 = "458f5c8bcecc086a3bba3dce83809df6da6e0a3560a59ddd84711bf3d5fd8303"
_RATE, _N_FFT, _HOP, _NUM_MELS = 16_000, 512, 256, 96
WINDOW_FRAMES = 187
WINDOW_SECONDS = WINDOW_FRAMES * _HOP / _RATE  # 2.992
DIMENSIONS = 256
_POOLS = (((4, 1), 2), ((2, 2), 2), ((2, 2), 2), ((2, 2), 2), ((4, 4), 4))  # sizes over (time, mels), and steps
_BATCH = 16
# Of MagnaTagATune, in the network's order.
_TAGS = (
    "guitar|classical|slow|techno|strings|drums|electronic|rock|fast|piano|ambient|beat|violin|vocal|synth|female|"
    "indian|opera|male|singing|vocals|no vocals|harpsichord|loud|quiet|flute|woman|male vocal|no vocal|pop|soft|sitar|"
    "solo|man|classic|choir|voice|new age|dance|male voice|female vocal|beats|harp|cello|no voice|weird|country|metal|"
    "female voice|choral"
)
TAGS = tuple(_TAGS.split("|"))


class Tagger(nn.Module):
    """A VGG of five convolutions over log-mels of 3 s, trained to tag MagnaTagATune.

    Raises: ModuleNotFoundError without the package musicnn; ValueError for another version of it.
    Source: Pons and Serra 2019, musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging.
    """

    def __init__(self, weights: Mapping[str, np.ndarray] | None = None) -> None:
        super().__init__()
        named = packaged_weights() if weights is None else weights
        tensors = {name: torch.from_numpy(np.array(values)) for name, values in named.items()}
        self.norms = nn.ModuleList(_norm(tensors, number) for number in range(len(_POOLS) + 1))
        self.convolutions = nn.ModuleList(_convolution(tensors, number) for number in range(1, len(_POOLS) + 1))
        self.head = nn.Linear(*tensors["dense/kernel"].shape)
        self.head.weight = nn.Parameter(tensors["dense/kernel"].T.contiguous())
        self.head.bias = nn.Parameter(tensors["dense/bias"])
        self.eval()

    def forward(self, mels: Tensor) -> Tensor:
        """Embeddings. Shape: (B, WINDOW_FRAMES, 96) -> (B, DIMENSIONS)"""
        features = self.norms[0](mels[:, None])
        for convolution, norm, (size, step) in zip(self.convolutions, self.norms[1:], _POOLS, strict=True):
            features = nn.functional.max_pool2d(norm(convolution(features).relu()), size, step)
        return features.permute(0, 2, 3, 1).flatten(1)

    @torch.inference_mode()
    def embed(self, wave: Tensor, sample_rate: int, hop_seconds: float = WINDOW_SECONDS) -> Tensor:
        """Embeddings of windows of 3 s, which begin every hop_seconds; what follows the last whole one is left out.

        Shape: (T,) -> (W, DIMENSIONS)
        Raises: NotMeasurableError for less than one window.
        """
        mels = log_mels(wave, sample_rate)
        hop = max(1, round(hop_seconds * _RATE / _HOP))
        if len(mels) < WINDOW_FRAMES:
            raise NotMeasurableError(f"an embedding needs {WINDOW_SECONDS:.1f} s of sound")
        windows = mels.unfold(0, WINDOW_FRAMES, hop).transpose(1, 2)
        return torch.cat([self(part) for part in windows.split(_BATCH)]).clone()

    @torch.inference_mode()
    def tags(self, embeddings: Tensor) -> dict[str, float]:
        """How likely each tag is (0 to 1), on average over windows. Shape: (W, DIMENSIONS)"""
        return dict(zip(TAGS, self.head(embeddings).sigmoid().mean(0).tolist(), strict=True))


def log_mels(wave: Tensor, sample_rate: int) -> Tensor:
    """The network's input. Shape: (T,) -> (N, 96)"""
    low = resample(wave[None], sample_rate, _RATE)[0].numpy()
    power = librosa.feature.melspectrogram(y=low, sr=_RATE, n_fft=_N_FFT, hop_length=_HOP, n_mels=_NUM_MELS)
    return torch.from_numpy(np.log10(10_000 * power.T + 1))


def packaged_weights() -> dict[str, np.ndarray]:
    """The weights that the package musicnn brings; it is not imported, since it would ask for TensorFlow.

    Raises: ModuleNotFoundError without it; ValueError for another version of it.
    """
    spec = importlib.util.find_spec("musicnn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"this needs the package musicnn: {how_to_install('musicnn')}", name="musicnn")
    folder = Path(spec.origin).parent / "MTT_vgg"
    data = folder / ".data-00000-of-00001"
    found = hashlib.sha256(data.read_bytes()).hexdigest()
    if found != _SHA256:
        raise ValueError(f"{data} has SHA-256 {found}, expected {_SHA256}: install musicnn 0.1.0")
    return read_checkpoint(folder)


def _norm(tensors: Mapping[str, Tensor], number: int) -> nn.BatchNorm2d:
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    norm = nn.BatchNorm2d(len(tensors[f"{name}/gamma"]), eps=1e-3)
    norm.weight, norm.bias = nn.Parameter(tensors[f"{name}/gamma"]), nn.Parameter(tensors[f"{name}/beta"])
    norm.running_mean, norm.running_var = tensors[f"{name}/moving_mean"], tensors[f"{name}/moving_variance"]
    return norm


def _convolution(tensors: Mapping[str, Tensor], number: int) -> nn.Conv2d:
    kernel = tensors[f"{number}CNN/kernel"]  # (time, mels, in, out)
    convolution = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
    convolution.weight = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
    convolution.bias = nn.Parameter(tensors[f"{number}CNN/bias"])
    return convolution
