"""Where a continuation joins its primer: how far level and spectrum jump there, beside how far they jump elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.level import SILENCE_DB
from audiovq.units import samples_to_seconds, seconds_to_samples

BAR_DB = 3.0  # a seam that jumps by so much more than the piece does elsewhere is one that is heard
_WINDOW_SECONDS = 0.5  # compared before and after; in shorter ones each note is a jump
_STEP_SECONDS = 1.0  # between the moments with which the seam is compared
_AUDIBLE_DB = 40.0  # bands that lie further below the loudest do not count
_FLOOR = 1e-10


@dataclass(frozen=True)
class Seam:
    """Jumps in dB, at the seam and (usual) the median of those at other moments of the same sound.

    level_db: of the level. spectrum_db: of the levels of third-octave bands, the mean of their sizes.
    """

    level_db: float
    spectrum_db: float
    usual_level_db: float
    usual_spectrum_db: float

    @property
    def worst_db(self) -> float:
        """The larger jump."""
        return max(self.level_db, self.spectrum_db)

    @property
    def excess_db(self) -> float:
        """By how much the jump exceeds what is usual, of level or spectrum whichever is more; it may be below 0."""
        return max(self.level_db - self.usual_level_db, self.spectrum_db - self.usual_spectrum_db)


def seam(wave: Tensor, sample_rate: int, at_seconds: float) -> Seam:
    """Compare the half second before a moment with that after it; a good seam has an excess of at most BAR_DB.

    Shape: (T,)
    Raises: NotMeasurableError when there is less than that on either side, or silence on both.
    """
    window = seconds_to_samples(_WINDOW_SECONDS, sample_rate)
    jumps = _jumps(wave.double(), sample_rate, seconds_to_samples(at_seconds, sample_rate), window)
    if jumps is None:
        end = samples_to_seconds(len(wave), sample_rate)
        raise NotMeasurableError(
            f"a seam at {at_seconds} s of {end:.2f} s: expected {_WINDOW_SECONDS} s on either side, and sound there"
        )
    step = seconds_to_samples(_STEP_SECONDS, sample_rate)
    at = seconds_to_samples(at_seconds, sample_rate)
    elsewhere = [
        other
        for moment in range(window, len(wave) - window + 1, step)
        if abs(moment - at) >= 2 * window and (other := _jumps(wave.double(), sample_rate, moment, window)) is not None
    ]
    usual = torch.tensor(elsewhere, dtype=torch.float64).quantile(0.5, 0).tolist() if elsewhere else [0.0, 0.0]
    return Seam(*jumps, *usual)


def _jumps(wave: Tensor, sample_rate: int, at: int, window: int) -> tuple[float, float] | None:
    """Of the level and of the spectrum, in dB; None where they cannot be told."""
    before, after = wave[max(0, at - window) : at], wave[at : at + window]
    if min(len(before), len(after)) < window:
        return None
    powers = torch.stack([before.square().mean(), after.square().mean()])
    if powers.max() < 10 ** (SILENCE_DB / 10):
        return None
    level = (10 * (powers + _FLOOR).log10()).diff().abs()
    bands = torch.stack([third_octaves(part, sample_rate) for part in (before, after)])
    loudest = bands.amax(0)
    counts = loudest > loudest.max() * 10 ** (-_AUDIBLE_DB / 10)
    spectrum = (10 * (bands + _FLOOR).log10()).diff(dim=0).abs()[0][counts].mean()
    return float(level), float(spectrum)


def third_octaves(wave: Tensor, sample_rate: int) -> Tensor:
    """Power in bands of a third of an octave: 50 Hz, 63 Hz ... up to 16 kHz or as far as the rate goes.

    Shape: (T,) -> (bands,)
    Source: IEC 61260-1, with edges of base two.
    """
    window = torch.hann_window(len(wave), dtype=wave.dtype)
    power = 2 * torch.fft.rfft(wave * window).abs().square() / (len(wave) * window.square().sum())
    edges = 1000 * 2 ** ((torch.arange(-13, 14, dtype=wave.dtype) - 0.5) / 3)
    edges = edges[edges <= sample_rate / 2]
    frequencies = torch.fft.rfftfreq(len(wave), 1 / sample_rate, dtype=wave.dtype)
    below = torch.cat([power.new_zeros(1), power.cumsum(0)])[torch.searchsorted(frequencies, edges)]
    return below.diff()
