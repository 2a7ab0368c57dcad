import librosa
import numpy as np
import pytest
import torch

from audiovq.audio.mel import LogMel, LogMelConfig


def noisy_chirp(num_samples: int, sample_rate: int, seed: int = 0) -> torch.Tensor:
    time = torch.arange(num_samples, dtype=torch.float64) / sample_rate
    chirp = 0.3 * torch.sin(2 * torch.pi * (200 + 1500 * time) * time)
    noise = 0.05 * torch.randn(num_samples, generator=torch.Generator().manual_seed(seed))
    return (chirp + noise).float()


@pytest.mark.parametrize(
    "config",
    [
        LogMelConfig(),
        LogMelConfig(n_fft=1024, hop_length=256, num_mels=100, fmin=40.0, fmax=7600.0),
        LogMelConfig(sample_rate=24000, n_fft=1024, hop_length=240, num_mels=64, fmax=12000.0),
    ],
)
@pytest.mark.parametrize("num_samples", [16000, 12345])
def test_equals_librosa(config: LogMelConfig, num_samples: int) -> None:
    wave = noisy_chirp(num_samples, config.sample_rate)
    num_frames = -(-num_samples // config.hop_length)
    left = (config.n_fft - config.hop_length) // 2
    padded = np.pad(wave.numpy(), (left, left + num_frames * config.hop_length - num_samples))
    expected = librosa.feature.melspectrogram(
        y=padded,
        sr=config.sample_rate,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        center=False,
        power=1.0,
        n_mels=config.num_mels,
        fmin=config.fmin,
        fmax=config.fmax,
        norm="slaney",
        htk=False,
    )
    mel = LogMel(config)(wave[None, None])
    assert mel.shape == (1, config.num_mels, num_frames)
    np.testing.assert_allclose(mel[0].numpy(), np.log(np.maximum(expected, config.floor)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("num_samples, num_frames", [(1, 1), (159, 1), (160, 1), (161, 2), (1603, 11)])
def test_one_frame_for_every_hop_begun(num_samples: int, num_frames: int) -> None:
    assert LogMel(LogMelConfig())(torch.zeros(2, 1, num_samples)).shape == (2, 80, num_frames)


def test_silence_is_the_log_of_the_floor() -> None:
    mel = LogMel(LogMelConfig(floor=1e-3))(torch.zeros(1, 1, 500))
    torch.testing.assert_close(mel, torch.full_like(mel, np.log(1e-3)))


def test_a_frame_sees_exactly_receptive_samples_around_its_hop() -> None:
    config = LogMelConfig()
    front = LogMel(config)
    frame, hop = 20, config.hop_length
    first = frame * hop - config.margin_samples
    quiet = front(torch.zeros(1, 1, 40 * hop))[0, :, frame]
    # The periodic Hann window is zero on its first sample, so that the outermost one heard is the second.
    for position, heard in [
        (first - 1, False),
        (first + 4, True),
        (first + front.receptive_samples - 4, True),
        (first + front.receptive_samples, False),
    ]:
        wave = torch.zeros(1, 1, 40 * hop)
        wave[..., position] = 1.0
        assert (not torch.equal(front(wave)[0, :, frame], quiet)) == heard, position


def test_gradients_stay_finite_on_silence() -> None:
    wave = torch.zeros(1, 1, 800, requires_grad=True)
    LogMel(LogMelConfig())(wave).sum().backward()
    assert wave.grad is not None and wave.grad.isfinite().all()


def test_nothing_of_it_enters_a_checkpoint() -> None:
    assert LogMel(LogMelConfig()).state_dict() == {}


@pytest.mark.parametrize(
    "bad", [{"n_fft": 641}, {"hop_length": 0}, {"fmax": 9000.0}, {"fmin": -1.0}, {"floor": 0.0}, {"hop_length": 1000}]
)
def test_impossible_geometry_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got"):
        LogMelConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(16000,), (1, 16000), (1, 2, 16000), (1, 1, 0)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected a wave of shape"):
        LogMel(LogMelConfig())(torch.zeros(shape))
