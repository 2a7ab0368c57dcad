"""What is wrong with the sounds that a data directory names."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from audiovq.audio.io import AudioError, AudioReader
from audiovq.data.kaldi.sounds import TOLERANCE_SECONDS, is_command, open_source
from audiovq.data.kaldi.tables import Problem, Table, parse_segment
from audiovq.units import samples_to_seconds

_BLOCK_SAMPLES = 1 << 18
_FULL_SCALE = 0.999
_CLIPPED_RUN = 3  # so many neighbours at full scale were cut off; one alone is the top of a normalised wave
_CLIPPED_SHARE = 0.001


@dataclass(frozen=True)
class SoundRules:
    """What is asked of the sounds, and how closely to look.

    Args:
        sample_rate: of all files; None: that of most of them.
        check_files: open every file.
        check_samples: also read every file to its end, and run the commands of wav.scp.
    """

    sample_rate: int | None = None
    num_channels: int = 1
    check_files: bool = True
    check_samples: bool = False


def check_sounds(scp: Table, rules: SoundRules, problems: list[Problem]) -> dict[str, float]:
    """Add what is wrong with the recordings; return the seconds of each that was opened."""

    def add(kind: str, key: str, what: str) -> None:
        problems.append(Problem(kind, scp.where(key), f"{key}: {what}", ("wav.scp", key)))

    rates: dict[str, int] = {}
    seconds: dict[str, float] = {}
    first_with: dict[str | bytes, str] = {}
    for key, source in scp.rows.items():
        if first_with.setdefault(source, key) != key:
            add("duplicate", key, f"{source}: the same source as {first_with[source]}")
        if not rules.check_files or (is_command(source) and not rules.check_samples):
            continue
        if not is_command(source) and not os.path.exists(source):
            add("sound file", key, f"{source}: does not exist")
            continue
        try:
            with open_source(source) as reader:
                rates[key], channels = reader.sample_rate, reader.num_channels
                seconds[key] = samples_to_seconds(reader.num_samples, reader.sample_rate)
                if channels != rules.num_channels:
                    add("channels", key, f"{source}: {channels} channels, expected {rules.num_channels}")
                if rules.check_samples:
                    digest, num_clipped, is_silent = _examine(reader)
                    first = first_with.setdefault(digest, key)
                    if is_silent:
                        add("silent", key, f"{source}: silent, every sample is zero")
                    elif first != key and scp.rows[first] != source:
                        add("duplicate", key, f"{source}: the same samples as {first}")
                    if num_clipped > _CLIPPED_SHARE * reader.num_samples:
                        share = num_clipped / reader.num_samples
                        add("clipping", key, f"{source}: clipped, {share:.1%} of its samples")
        except AudioError as error:
            add("sound file", key, str(error))
    expected = rules.sample_rate or next((rate for rate, _ in Counter(rates.values()).most_common(1)), 0)
    for key, rate in rates.items():
        if rate != expected:
            add("sample rate", key, f"{scp.rows[key]}: {rate} Hz, expected {expected}")
    return seconds


def check_times(tables: dict[str, Table], seconds: dict[str, float]) -> Iterator[Problem]:
    """Segments past the end or there twice, and durations that are not those of the sounds."""
    utterance_seconds = seconds
    if "reco2dur" in tables:
        yield from _check_durations(tables["reco2dur"], seconds)
        seconds = {key: float(value) for key, value in tables["reco2dur"].well_formed()} | seconds
    if "segments" in tables:
        segments, first_with, utterance_seconds = tables["segments"], dict[str, str](), {}
        for key, value in segments.well_formed():
            recording, start, end = parse_segment(value)
            utterance_seconds[key] = end - start
            if end > seconds.get(recording, end) + TOLERANCE_SECONDS:
                what = f"{key} ends at {end} s, past the end of {recording} at {seconds[recording]:.3f} s"
                yield Problem("past the end", segments.where(key), what, ("segments", key))
            if first_with.setdefault(value, key) != key:
                what = f"{key} is the same segment as {first_with[value]}"
                yield Problem("duplicate", segments.where(key), what, ("segments", key))
    if "utt2dur" in tables:
        yield from _check_durations(tables["utt2dur"], utterance_seconds)


def _check_durations(table: Table, seconds: dict[str, float]) -> Iterator[Problem]:
    for key, value in table.well_formed():
        told, true = float(value), seconds.get(key)
        if true is not None and abs(told - true) > TOLERANCE_SECONDS:
            what = f"{key} lasts {true:.3f} s, not {told:.3f}"
            yield Problem("duration", table.where(key), what, (table.path.name, key))


def _examine(reader: AudioReader) -> tuple[bytes, int, bool]:
    """A digest of the samples, how many of them are clipped, and whether all are zero.

    Raises: AudioError for damage, and for samples that are not finite numbers.
    """
    digest, num_clipped, is_silent = hashlib.sha256(), 0, True
    digest.update(f"{reader.sample_rate} {reader.num_channels} ".encode())
    while (block := reader.read(_BLOCK_SAMPLES)).shape[1]:
        digest.update(block.T.contiguous().numpy().tobytes())
        num_clipped += _num_clipped(block)
        is_silent = is_silent and not block.any()
    return digest.digest(), num_clipped, is_silent


def _num_clipped(block: Tensor) -> int:
    """Moments at which some channel is in a run of samples at full scale.

    Shape: (C, T)
    """
    full = block.abs() >= _FULL_SCALE
    if full.shape[1] < _CLIPPED_RUN or not full.any():
        return 0
    runs = full.unfold(1, _CLIPPED_RUN, 1).all(dim=2)  # where a run starts
    in_run = full.new_zeros(full.shape)
    for offset in range(_CLIPPED_RUN):
        in_run[:, offset : offset + runs.shape[1]] |= runs
    return int(in_run.any(dim=0).sum())
