"""The reader of TensorFlow checkpoints, on one that the test writes, and the network with weights of its own."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.tagger import DIMENSIONS, TAGS, WINDOW_FRAMES, Tagger, log_mels
from audiovq.metrics.music.tf_checkpoint import CheckpointError, read_checkpoint

RATE = 16_000


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def entry(shape: tuple[int, ...], offset: int) -> bytes:
    """A BundleEntryProto: dtype, shape, offset, size and a checksum."""
    sizes = b"".join(b"\x12" + varint(len(size)) + size for size in (b"\x08" + varint(n) for n in shape))
    size = 4 * int(np.prod(shape))
    return (
        b"\x08\x01\x12" + varint(len(sizes)) + sizes + b"\x20" + varint(offset) + b"\x28" + varint(size) + b"\x35abcd"
    )


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A block of LevelDB: each key without what it shares with the one before it; then where restarts are."""
    content, before = b"", b""
    for key, value in pairs:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return content + struct.pack("<II", 0, 1)


def write_checkpoint(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    pairs, data = [(b"", b"\x08\x01")], b""
    for name in sorted(tensors):
        pairs.append((name.encode(), entry(tensors[name].shape, len(data))))
        data += tensors[name].astype("<f4").tobytes()
    first = block(pairs)
    handle = varint(0) + varint(len(first))
    second = block([(b"zz", handle)])
    start = len(first) + 5
    footer = (varint(0) + varint(0) + varint(start) + varint(len(second))).ljust(40, b"\0")
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    (folder / ".index").write_bytes(first + b"\0abcd" + second + b"\0abcd" + footer + magic)
    (folder / ".data-00000-of-00001").write_bytes(data)


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    tensors = {"dense/kernel": random.normal(size=(DIMENSIONS, 50)), "dense/bias": random.normal(size=50)}
    for number in range(6):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        size = 128 if number else 1
        tensors |= {f"{name}/{part}": random.normal(size=size) for part in ("beta", "moving_mean")}
        tensors |= {f"{name}/{part}": random.uniform(0.5, 1.5, size) for part in ("gamma", "moving_variance")}
    for number in range(1, 6):
        tensors[f"{number}CNN/kernel"] = random.normal(size=(3, 3, 128 if number > 1 else 1, 128)) / 30
        tensors[f"{number}CNN/bias"] = random.normal(size=128) / 10
    return {name: values.astype(np.float32) for name, values in tensors.items()}


def test_tensors_are_read_as_they_were_written(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_checkpoint(tmp_path, weights)
    found = read_checkpoint(tmp_path)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_checkpoint(tmp_path, {"a": np.ones(4, np.float32)})
    data = tmp_path / ".data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:8])
    with pytest.raises(CheckpointError, match="a does not lie in it as its index says"):
        read_checkpoint(tmp_path)
    (tmp_path / ".index").write_bytes(b"something else" * 10)
    with pytest.raises(CheckpointError, match="no index of a TensorFlow checkpoint"):
        read_checkpoint(tmp_path)


def test_the_first_layer_is_what_its_weights_say(weights: dict[str, np.ndarray]) -> None:
    tagger = Tagger(weights)
    mels = torch.randn(1, 1, 6, 7, generator=torch.Generator().manual_seed(1))

    def norm(values: np.ndarray, name: str) -> np.ndarray:
        scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + 1e-3)
        return (values - weights[f"{name}/moving_mean"]) * scale + weights[f"{name}/beta"]

    normed = np.pad(norm(mels[0, 0].numpy()[..., None], "batch_normalization")[..., 0], 1)
    patch = normed[2:5, 3:6]  # around frame 2, band 3
    summed = (patch[..., None] * weights["1CNN/kernel"][:, :, 0]).sum((0, 1)) + weights["1CNN/bias"]
    expected = norm(np.maximum(summed, 0), "batch_normalization_1")
    convolution, after = tagger.convolutions[0], tagger.norms[1]
    with torch.inference_mode():
        found = after(nn.functional.relu(convolution(tagger.norms[0](mels))))
    assert found[0, :, 2, 3].numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_windows_are_embedded_one_by_one(weights: dict[str, np.ndarray]) -> None:
    tagger = Tagger(weights)
    wave = 0.1 * torch.randn(7 * RATE, generator=torch.Generator().manual_seed(2))
    mels = log_mels(wave, RATE)
    assert mels.shape == (7 * RATE // 256 + 1, 96)
    found = tagger.embed(wave, RATE)
    assert found.shape == (2, DIMENSIONS)
    with torch.inference_mode():
        second = tagger(mels[None, WINDOW_FRAMES : 2 * WINDOW_FRAMES])
    torch.testing.assert_close(found[1], second[0])
    assert tagger.tags(found).keys() == set(TAGS) and len(TAGS) == 50
    with pytest.raises(NotMeasurableError, match=r"3\.0 s of sound"):
        tagger.embed(wave[: 2 * RATE], RATE)
