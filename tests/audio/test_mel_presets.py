"""Each preset against what librosa and numpy make of the convention that its source states."""

import dataclasses

import librosa
import numpy as np
import pytest
import torch

from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.audio.mel_presets import MEL_PRESETS

# Not a multiple of any hop, and both ends of the wave loud, so that the padding matters.
NUM_SAMPLES = 30_011


def noisy_chirp(sample_rate: int, gain: float) -> np.ndarray:
    time = np.arange(NUM_SAMPLES) / sample_rate
    noise = np.random.default_rng(0).standard_normal(NUM_SAMPLES)
    return (gain * (0.3 * np.cos(2 * np.pi * (200 + 1500 * time) * time) + 0.05 * noise)).astype(np.float32)


def log_mel(preset: str, wave: np.ndarray) -> np.ndarray:
    mel: torch.Tensor = LogMel(MEL_PRESETS[preset])(torch.from_numpy(wave)[None, None])
    return mel[0].numpy()


def spectrum_by_hand(padded: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Shape: (T,) -> (n_fft // 2 + 1, N), in double precision."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    starts = range(0, len(padded) - n_fft + 1, hop_length)
    return np.stack([np.fft.rfft(padded[start : start + n_fft] * window) for start in starts], axis=1)


loudness = pytest.mark.parametrize("gain", [1.0, 1e-3])  # the quiet one lies near the floors


@loudness
def test_audiovq_16k(gain: float) -> None:
    wave = noisy_chirp(16000, gain)
    num_frames = -(-NUM_SAMPLES // 160)
    padded = np.pad(wave, (240, 240 + num_frames * 160 - NUM_SAMPLES)).astype(np.float64)
    filters = librosa.filters.mel(sr=16000, n_fft=640, n_mels=80, fmin=0, fmax=8000)
    expected = np.log(np.maximum(filters @ np.abs(spectrum_by_hand(padded, 640, 160)), 1e-5))
    assert expected.shape == (80, num_frames)
    np.testing.assert_allclose(log_mel("audiovq-16k", wave), expected, atol=1e-4, rtol=0)


@loudness
def test_hifigan_22k(gain: float) -> None:
    wave = noisy_chirp(22050, gain)
    padded = np.pad(wave, 384, mode="reflect").astype(np.float64)
    spectrum = spectrum_by_hand(padded, 1024, 256)
    filters = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
    expected = np.log(np.maximum(filters @ np.sqrt(np.abs(spectrum) ** 2 + 1e-9), 1e-5))
    assert expected.shape == (80, NUM_SAMPLES // 256)
    np.testing.assert_allclose(log_mel("hifigan-22k", wave), expected, atol=1e-4, rtol=0)


@loudness
def test_vocos_24k(gain: float) -> None:
    wave = noisy_chirp(24000, gain)
    padded = np.pad(wave, 512, mode="reflect").astype(np.float64)
    filters = librosa.filters.mel(sr=24000, n_fft=1024, n_mels=100, fmin=0, fmax=12000, htk=True, norm=None)
    by_hand = np.log(np.maximum(filters @ np.abs(spectrum_by_hand(padded, 1024, 256)), 1e-7))
    by_librosa = librosa.feature.melspectrogram(
        y=wave,
        sr=24000,
        n_fft=1024,
        hop_length=256,
        center=True,
        pad_mode="reflect",
        power=1.0,
        n_mels=100,
        htk=True,
        norm=None,
    )
    mel = log_mel("vocos-24k", wave)
    assert mel.shape == (100, NUM_SAMPLES // 256 + 1)
    np.testing.assert_allclose(mel, by_hand, atol=1e-4, rtol=0)
    np.testing.assert_allclose(mel, np.log(np.maximum(by_librosa, 1e-7)), atol=1e-4, rtol=0)


def test_ours_is_the_default() -> None:
    assert MEL_PRESETS["audiovq-16k"] == LogMelConfig()


@pytest.mark.parametrize("preset, shortest", [("hifigan-22k", 385), ("vocos-24k", 513)])
def test_a_wave_too_short_to_be_mirrored_is_refused(preset: str, shortest: int) -> None:
    front = LogMel(MEL_PRESETS[preset])
    assert front(torch.zeros(1, 1, shortest)).shape[2] == shortest // 256 + (preset == "vocos-24k")
    with pytest.raises(ValueError, match=f"expected a wave of {shortest} samples or more, got {shortest - 1}"):
        front(torch.zeros(1, 1, shortest - 1))


def test_gradients_stay_finite_on_silence() -> None:
    for config in MEL_PRESETS.values():
        wave = torch.zeros(1, 1, 3000, requires_grad=True)
        LogMel(config)(wave).sum().backward()
        assert wave.grad is not None and wave.grad.isfinite().all()


@pytest.mark.parametrize("name", ["padding", "filter_scale", "filter_norm"])
def test_unknown_conventions_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be one of .*, got 'other'"):
        dataclasses.replace(LogMelConfig(), **{name: "other"})  # type: ignore[arg-type]


def test_a_negative_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="power_offset must not be negative"):
        LogMelConfig(power_offset=-1e-9)
