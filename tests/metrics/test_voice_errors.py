"""Cepstral and F0 errors of voices that are known, against closed forms and librosa's own cepstra."""

from __future__ import annotations

import math

import librosa
import numpy as np
import pytest
import torch

from audiovq.metrics.cepstral import mcd, mcd_dtw, mel_cepstrum
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.log_mel import log_mel, log_mel_config
from audiovq.metrics.pitch import f0_rmse, gross_pitch_error, voicing_error
from audiovq.metrics.registry import METRICS

RATE = 16_000


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(8_000, generator=torch.Generator().manual_seed(1)) * 0.1


def buzz(hz: float, seconds: float = 0.6) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    harmonics = [torch.sin(2 * math.pi * hz * k * time) / k for k in range(1, 9)]
    return 0.2 * torch.stack(harmonics).sum(0)


def test_cepstra_are_the_cosine_transform_of_the_log_mel(noise: torch.Tensor) -> None:
    mel = log_mel(noise, log_mel_config(RATE)).numpy()
    # scipy's orthonormal transform has sqrt(2 / M) where a cosine series has 2 / M.
    expected = librosa.feature.mfcc(S=mel, n_mfcc=14)[1:] * math.sqrt(2 / len(mel))
    assert mel_cepstrum(noise, RATE).numpy() == pytest.approx(expected, abs=1e-5)


def test_mcd_is_the_level_difference_of_a_ripple_in_db(monkeypatch: pytest.MonkeyPatch, noise: torch.Tensor) -> None:
    """Log spectra that differ by a cosine of amplitude a (nat) are a / sqrt(2) nat apart, root mean square."""
    bands = (np.arange(80) + 0.5) / 80
    ripple = torch.from_numpy(0.5 * np.cos(3 * math.pi * bands) + 2.0)[:, None]  # and 2 nat louder: not counted
    plain = log_mel(noise, log_mel_config(RATE)).double()
    spectra = iter([plain, plain + ripple])
    monkeypatch.setattr("audiovq.metrics.cepstral.log_mel", lambda wave, config: next(spectra))
    assert mcd(noise, noise, RATE) == pytest.approx(0.5 / math.sqrt(2) * 20 / math.log(10))


def test_mcd_has_no_distance_to_itself_or_to_its_half(noise: torch.Tensor) -> None:
    assert mcd(noise, noise, RATE) == 0
    assert mcd(noise, noise / 2, RATE) == pytest.approx(0, abs=1e-3)
    assert mcd(noise, noise.cumsum(0) * 0.05, RATE) > 5


def test_warped_mcd_forgives_a_slower_voice(noise: torch.Tensor) -> None:
    vowels = [buzz(120, 0.2), noise[:3_200], buzz(200, 0.2)]
    slower = torch.cat([vowels[0], vowels[1], noise[3_200:6_400], vowels[2]])
    plain = torch.cat(vowels)
    padded = torch.nn.functional.pad(plain, (0, len(slower) - len(plain)))
    assert mcd_dtw(plain, plain, RATE) == pytest.approx(0, abs=1e-9)
    assert mcd_dtw(plain, slower, RATE) < 0.5 * mcd(padded, slower, RATE)
    assert METRICS["mcd_dtw"].warps
    with pytest.raises(NotMeasurableError, match=r"up to 60 s, got 61\.0 s"):
        mcd_dtw(torch.zeros(61 * 100), noise[:100], 100)


def test_f0_half_a_semitone_up_is_50_cents() -> None:
    low, high = buzz(150), buzz(150 * 2 ** (50 / 1200))
    assert f0_rmse(low, low, RATE) == 0
    assert f0_rmse(low, high, RATE) == pytest.approx(50, abs=6)  # pYIN answers in steps of 10 cents
    assert gross_pitch_error(low, high, RATE) == 0
    assert voicing_error(low, high, RATE) == pytest.approx(0, abs=0.05)


def test_a_third_up_is_a_gross_error_and_silence_is_unvoiced() -> None:
    low, silence = buzz(150), torch.zeros(9_600)
    assert gross_pitch_error(low, buzz(150 * 2 ** (4 / 12)), RATE) == pytest.approx(1, abs=0.05)
    half = torch.cat([low[:4_800], silence[:4_800]])
    assert voicing_error(low, half, RATE) == pytest.approx(0.5, abs=0.1)
    assert voicing_error(silence, silence, RATE) == 0
    with pytest.raises(NotMeasurableError, match="voiced in both"):
        f0_rmse(low, silence, RATE)
    assert voicing_error(silence[:10], silence[:10], RATE) == 0


def test_f0_is_the_same_at_another_sample_rate() -> None:
    low = librosa.resample(buzz(150).numpy(), orig_sr=RATE, target_sr=24_000)
    high = librosa.resample(buzz(160).numpy(), orig_sr=RATE, target_sr=24_000)
    assert f0_rmse(low, high, 24_000) == pytest.approx(1200 * math.log2(160 / 150), abs=6)
