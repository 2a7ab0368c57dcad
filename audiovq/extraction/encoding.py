"""Sounds to the entries of a token table, one after another; what is wrong with a sound costs no other."""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from audiovq.audio.io import AudioError, AudioReader
from audiovq.codes import CodesError
from audiovq.data.kaldi import Sound
from audiovq.data.kaldi.sounds import is_command
from audiovq.system.failures import one_line
from audiovq.tokenizer import Tokenizer, load_once
from audiovq.tokens.layout import Entry, interleaved
from audiovq.tokens.silence import frame_samples, silent_ms

READ_AHEAD = 2
LARGE_BYTES = 1 << 26  # a file from here up is read piece by piece while it is encoded: it may not fit into memory

Outcome = tuple[Sound, Entry | str]
"""A sound, with its entry or one line that says what went wrong."""


@dataclass(frozen=True)
class Model:
    """What ``audiovq.load`` is told."""

    name: str
    device: str = "cpu"

    def load(self) -> Tokenizer:
        """Once in a process."""
        return load_once(self.name, self.device)


def encode_each(sounds: Iterable[Sound], tokenizer: Tokenizer) -> Iterator[Outcome]:
    """Every sound once, in their order."""
    for sound, reading in _read_ahead(sounds):
        try:
            yield sound, _encode(sound, reading.result(), tokenizer)
        except (AudioError, CodesError, OSError, MemoryError, torch.OutOfMemoryError) as error:
            yield sound, one_line(Path(sound.utt_id), error)
        except Exception as error:
            # The sound is not to blame, so the traceback is wanted; but the other sounds shall be done.
            traceback.print_exc()
            yield sound, one_line(Path(sound.utt_id), RuntimeError(f"stopped by a mistake in audiovq, {error!r}"))


def _read_ahead(sounds: Iterable[Sound]) -> Iterator[tuple[Sound, Future[tuple[Tensor, int] | None]]]:
    """Read the next sounds, by another thread, while one is encoded."""
    with ThreadPoolExecutor(1) as reader:
        waiting = deque[tuple[Sound, "Future[tuple[Tensor, int] | None]"]]()
        for sound in sounds:
            waiting.append((sound, reader.submit(_read, sound)))
            if len(waiting) > READ_AHEAD:
                yield waiting.popleft()
        yield from waiting


def _read(sound: Sound) -> tuple[Tensor, int] | None:
    return None if _is_large(sound) else sound.read()


def _is_large(sound: Sound) -> bool:
    is_whole_file = sound.start_seconds is None and not is_command(sound.source) and not sound.problem
    return is_whole_file and os.path.exists(sound.source) and os.path.getsize(sound.source) >= LARGE_BYTES


def _encode(sound: Sound, read: tuple[Tensor, int] | None, tokenizer: Tokenizer) -> Entry:
    if read is None:
        codes, silence = tokenizer.encode(sound.source), _silence_of_file(sound.source)
    else:
        codes, silence = tokenizer.encode(*read), silent_ms(*read)
    return Entry(sound.utt_id, codes.num_samples, codes.num_channels, silence, interleaved(codes))


def _silence_of_file(path: str) -> int:
    with AudioReader(path) as reader:
        size = 1000 * frame_samples(reader.sample_rate)
        blocks = (reader.read(size) for _ in range(-(-reader.num_samples // size)))
        return sum(silent_ms(block, reader.sample_rate) for block in blocks)
