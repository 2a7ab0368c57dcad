"""Log-mel, mel and STFT distances against values that can be worked out by hand."""

import math

import librosa
import numpy as np
import pytest
import torch

from audiovq.audio.mel import LogMelConfig
from audiovq.metrics.log_mel import log_mel_config, log_mel_l1, wave_log_mel_l1
from audiovq.metrics.multi_scale import (
    log_spectral_distance,
    multi_resolution_stft_distance,
    multi_scale_mel_distance,
)

RATE = 16_000


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(8_000, generator=torch.Generator().manual_seed(1)) * 0.1


def test_log_mel_l1_is_the_mean_absolute_difference() -> None:
    reference = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert log_mel_l1(reference, torch.tensor([[1.0, 1.0], [0.0, 3.5]])) == pytest.approx(3.5 / 4)


def test_spectrograms_of_unequal_length_are_refused_and_not_broadcast() -> None:
    with pytest.raises(ValueError, match=r"\(80, 5\) and \(80, 1\)"):
        log_mel_l1(torch.zeros(80, 5), torch.zeros(80, 1))


def test_half_the_amplitude_is_ln_2_away(noise: torch.Tensor) -> None:
    assert wave_log_mel_l1(noise, noise / 2, LogMelConfig()) == pytest.approx(math.log(2), abs=1e-4)
    assert multi_scale_mel_distance(noise, noise / 2, RATE) == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 22050, 44100, 48000])
def test_waves_of_every_usual_rate_can_be_compared(noise: torch.Tensor, sample_rate: int) -> None:
    config = log_mel_config(sample_rate)
    assert config.n_fft / sample_rate == pytest.approx(0.04, rel=3e-3)
    assert 0.2 < wave_log_mel_l1(noise, noise / 2, config) <= math.log(2) + 1e-3


def test_a_wave_is_no_distance_from_itself(noise: torch.Tensor) -> None:
    assert wave_log_mel_l1(noise, noise, LogMelConfig()) == 0
    assert multi_scale_mel_distance(noise, noise, RATE) == 0
    assert multi_resolution_stft_distance(noise, noise) == 0


def test_half_the_amplitude_has_a_spectral_convergence_of_a_half(noise: torch.Tensor) -> None:
    assert multi_resolution_stft_distance(noise, noise / 2) == pytest.approx(0.5 + math.log(2), abs=1e-3)


def test_log_spectral_distance_of_a_tenth_is_20_db(noise: torch.Tensor) -> None:
    assert log_spectral_distance(noise, noise) == 0
    assert log_spectral_distance(noise, noise / 10) == pytest.approx(20, abs=0.05)
    assert log_spectral_distance(torch.zeros(4096), torch.zeros(4096)) == 0


def test_log_spectral_distance_equals_that_of_librosas_spectra(noise: torch.Tensor) -> None:
    other = noise.roll(300) * 0.5
    levels = [
        20 * np.log10(np.maximum(np.abs(librosa.stft(wave.numpy(), n_fft=2048, pad_mode="constant")), 1e-5))
        for wave in (noise, other)
    ]
    expected = np.sqrt(((levels[0] - levels[1]) ** 2).mean(axis=0)).mean()
    assert log_spectral_distance(noise, other) == pytest.approx(expected, rel=1e-4)


def test_mel_distance_equals_librosas(noise: torch.Tensor) -> None:
    other = noise.roll(40) * 0.7
    expected = []
    for window, num_mels in ((128, 20), (256, 40), (512, 80), (1024, 80), (2048, 80)):
        mels = [
            librosa.feature.melspectrogram(
                y=wave.numpy(),
                sr=RATE,
                n_fft=window,
                hop_length=window // 4,
                n_mels=num_mels,
                power=1.0,
                pad_mode="constant",
            )
            for wave in (noise, other)
        ]
        logs = [np.log(np.maximum(mel, 1e-5)) for mel in mels]
        expected.append(np.abs(logs[0] - logs[1]).mean())
    assert multi_scale_mel_distance(noise, other, RATE) == pytest.approx(np.mean(expected), abs=1e-4)


@pytest.mark.parametrize("num_samples", [1, 50])
def test_one_sample_can_be_measured(num_samples: int) -> None:
    wave = torch.full((num_samples,), 0.5)
    assert math.isfinite(multi_scale_mel_distance(wave, -wave, RATE))
    assert math.isfinite(multi_resolution_stft_distance(wave, -wave))
    assert math.isfinite(wave_log_mel_l1(wave, wave / 2, LogMelConfig()))


def test_lengths_and_values_are_checked(noise: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="one length"):
        multi_scale_mel_distance(noise, noise[:-1], RATE)
    with pytest.raises(ValueError, match="expected a mono wave"):
        multi_scale_mel_distance(noise.reshape(2, -1), noise.reshape(2, -1), RATE)
    with pytest.raises(ValueError, match="result holds samples that are not finite"):
        multi_scale_mel_distance(noise, noise * float("nan"), RATE)
