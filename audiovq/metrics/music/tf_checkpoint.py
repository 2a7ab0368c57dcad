"""Reads the tensors of a TensorFlow checkpoint without TensorFlow."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

_FOOTER_BYTES, _TRAILER_BYTES = 48, 5  # the trailer of a block: how it is compressed, and a checksum
_MAGIC = 0xDB4775248B80FB57
_FLOAT = 1


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message names its file."""


@dataclass
class _Entry:
    """Where a tensor lies in the data file: a BundleEntryProto."""

    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    offset: int = 0
    size: int = 0


def read_checkpoint(folder: Path, name: str = "") -> dict[str, np.ndarray]:
    """The float32 tensors of NAME.index and NAME.data-00000-of-00001 in a folder, by their names.

    Raises: CheckpointError for files of another kind; OSError for none.
    Source: tensorflow/core/util/tensor_bundle, whose index is a table of LevelDB.
    """
    index_path, data_path = folder / f"{name}.index", folder / f"{name}.data-00000-of-00001"
    index, data = index_path.read_bytes(), data_path.read_bytes()
    if len(index) < _FOOTER_BYTES or struct.unpack("<Q", index[-8:])[0] != _MAGIC:
        raise CheckpointError(f"{index_path} is no index of a TensorFlow checkpoint")
    position = 0
    footer = index[-_FOOTER_BYTES:]
    for _ in range(2):  # of the block of statistics, which is not needed
        _, position = _varint(footer, position)
    start, position = _varint(footer, position)
    size, _ = _varint(footer, position)
    tensors = {}
    for _, handle in _block(index, start, size, index_path):
        offset, position = _varint(handle, 0)
        length, _ = _varint(handle, position)
        for key, value in _block(index, offset, length, index_path):
            entry = _entry(value) if key else _Entry()  # the empty key is that of the header
            if entry.dtype != _FLOAT:
                continue
            if entry.size != 4 * prod(entry.shape) or entry.offset + entry.size > len(data):
                raise CheckpointError(f"{data_path}: {key.decode()} does not lie in it as its index says")
            values = np.frombuffer(data, "<f4", prod(entry.shape), entry.offset)
            tensors[key.decode()] = values.reshape(entry.shape)
    return tensors


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _block(index: bytes, start: int, size: int, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block, each key of which begins as the one before it."""
    if start + size + _TRAILER_BYTES > len(index) or index[start + size]:
        raise CheckpointError(f"{path} is damaged, or compressed")
    content = index[start : start + size]
    num_restarts = struct.unpack("<I", content[-4:])[0]
    end = len(content) - 4 * (num_restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = _varint(content, position)
        own, position = _varint(content, position)
        length, position = _varint(content, position)
        key = key[:shared] + content[position : position + own]
        position += own
        yield key, content[position : position + length]
        position += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer: their numbers and contents."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind, content = tag & 7, 0
        if kind == 0:
            content, position = _varint(message, position)
            yield tag >> 3, content
            continue
        length, position = _varint(message, position) if kind == 2 else ({1: 8, 5: 4}[kind], position)
        yield tag >> 3, message[position : position + length]
        position += length


def _entry(message: bytes) -> _Entry:
    entry = _Entry()
    for number, content in _fields(message):
        if number == 2 and isinstance(content, bytes):
            sizes = [dict(_fields(inner)) for tag, inner in _fields(content) if tag == 2 and isinstance(inner, bytes)]
            entry.shape = [int(size.get(1, 0)) for size in sizes]
        elif isinstance(content, int) and number in (1, 4, 5):
            setattr(entry, {1: "dtype", 4: "offset", 5: "size"}[number], content)
    return entry
