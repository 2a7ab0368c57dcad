"""How loud music is, and how much of it is silence."""

from __future__ import annotations

import math

from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.system.optional import optional_package

BLOCK_SECONDS = 0.4  # of BS.1770
SILENCE_DB = -60.0


def loudness_lufs(wave: Tensor, sample_rate: int) -> float:
    """Integrated loudness in LUFS: usual are -23 (broadcasts) to -8 (loud records).

    Shape: (T,), mono, which counts as one channel in front
    Raises: NotMeasurableError for less than 0.4 s, or where all is below the absolute gate of -70 LUFS;
        ModuleNotFoundError without the package pyloudnorm, of the extra `music`.
    Source: ITU-R BS.1770-4; by the package pyloudnorm.
    """
    meter = optional_package("pyloudnorm", "music").Meter(sample_rate, block_size=BLOCK_SECONDS)
    if len(wave) <= BLOCK_SECONDS * sample_rate:
        raise NotMeasurableError(f"loudness needs more than {BLOCK_SECONDS} s of sound")
    loudness = float("-inf")
    if bool(wave.any()):
        loudness = float(meter.integrated_loudness(wave.double().numpy()))
    if not math.isfinite(loudness):
        raise NotMeasurableError("all of it is below -70 LUFS: there is no loudness")
    return loudness


def silence_share(wave: Tensor, sample_rate: int, block_seconds: float = 0.1, silence_db: float = SILENCE_DB) -> float:
    """Share of blocks whose RMS is below `silence_db` of full scale: 0 to 1, no unit.

    Shape: (T,); what follows the last whole block is left out, but if it is all there is
    Raises: NotMeasurableError for no samples.
    """
    if not len(wave):
        raise NotMeasurableError("there is no sound")
    block = min(len(wave), max(1, round(block_seconds * sample_rate)))
    power = wave[: len(wave) // block * block].double().view(-1, block).square().mean(1)
    return float((power < 10 ** (silence_db / 10)).double().mean())


def rms_db(wave: Tensor) -> float:
    """Level in dB of full scale, of silence -120. Shape: (T,)"""
    return 10 * math.log10(max(float(wave.double().square().mean()) if len(wave) else 0.0, 1e-12))
