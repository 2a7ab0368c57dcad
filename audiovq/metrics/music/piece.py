"""Everything that is measured of one piece of music by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.key import chroma, key_of, key_stability
from audiovq.metrics.music.level import loudness_lufs, silence_share
from audiovq.metrics.music.tempo import onsets, pulse_clarity, tempo_bpm, tempo_stability
from audiovq.units import samples_to_seconds

Measures = dict[str, Any]  # by name: numbers, and the key as a word

# In the order of tables: unit or range of each number.
UNITS = {
    "tempo_bpm": "beats per minute",
    "tempo_stability": "0 to 1",
    "pulse_clarity": "0 to 1",
    "key_correlation": "-1 to 1",
    "key_stability": "0 to 1",
    "loudness_lufs": "LUFS",
    "silence_share": "0 to 1",
}


def measure_piece(wave: Tensor, sample_rate: int) -> tuple[Measures, dict[str, str]]:
    """What UNITS names, "seconds" and "key", as far as the piece has them; and why it lacks the others.

    Shape: (T,)
    Raises: ModuleNotFoundError without the package pyloudnorm.
    """
    values: Measures = {"seconds": samples_to_seconds(len(wave), sample_rate)}
    reasons: dict[str, str] = {}

    def attempt(names: tuple[str, ...], measures: Callable[[], tuple[Any, ...]]) -> None:
        try:
            values.update(zip(names, measures(), strict=True))
        except NotMeasurableError as error:
            reasons.update(dict.fromkeys(names, str(error)))

    def tempo() -> tuple[float, ...]:
        strength = onsets(wave, sample_rate)
        return tempo_bpm(strength), tempo_stability(strength), pulse_clarity(strength)

    def key() -> tuple[str | float, ...]:
        chromas: np.ndarray = chroma(wave, sample_rate)
        best = key_of(chromas.sum(1))
        return best.name, best.correlation, key_stability(chromas)

    attempt(("tempo_bpm", "tempo_stability", "pulse_clarity"), tempo)
    attempt(("key", "key_correlation", "key_stability"), key)
    attempt(("loudness_lufs",), lambda: (loudness_lufs(wave, sample_rate),))
    attempt(("silence_share",), lambda: (silence_share(wave, sample_rate),))
    # Rounded, since numpy's last bits follow where in memory an array happens to lie.
    rounded = {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
    return rounded, reasons
