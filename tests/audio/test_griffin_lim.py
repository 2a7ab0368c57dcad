import pytest
import torch

from audiovq.audio import griffin_lim
from audiovq.audio.griffin_lim import GriffinLim, MelGriffinLim
from audiovq.audio.mel import LogMel, LogMelConfig

CONFIG = LogMelConfig()
BLOCK = griffin_lim._BLOCK_FRAMES


def voice(num_samples: int, sample_rate: int = 16000) -> torch.Tensor:
    """A gliding buzz through two formants, in syllables, over a little noise."""
    time = torch.arange(num_samples, dtype=torch.float64) / sample_rate
    phase = 2 * torch.pi * (120 * time + 8 * torch.sin(2 * time))
    harmonics = torch.arange(1, 40)[:, None]
    pitch = 120 + 16 * torch.cos(2 * time)
    formants = torch.stack([torch.exp(-(((harmonics * pitch - centre) / 300) ** 2)) for centre in (600, 2200)]).sum(0)
    buzz = (formants * torch.sin(harmonics * phase)).sum(0) * (0.55 + 0.45 * torch.sin(2 * torch.pi * 3 * time))
    noise = torch.randn(num_samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (0.1 * buzz + 0.003 * noise).float()


def log_mel(wave: torch.Tensor, config: LogMelConfig = CONFIG) -> torch.Tensor:
    mel: torch.Tensor = LogMel(config)(wave[None, None])
    return mel[0]


def invert(vocoder: GriffinLim, mel: torch.Tensor, num_frames: int | None = None) -> torch.Tensor:
    step = num_frames or mel.shape[1]
    pieces = [vocoder.push(mel[:, start : start + step]) for start in range(0, mel.shape[1], step)]
    return torch.cat([*pieces, vocoder.flush()])


@pytest.mark.parametrize("config", [CONFIG, LogMelConfig(n_fft=512), LogMelConfig(n_fft=1024, hop_length=256)])
def test_the_sound_has_the_mel_that_was_asked_for(config: LogMelConfig) -> None:
    mel = log_mel(voice(48000), config)
    error = (log_mel(invert(MelGriffinLim(config), mel), config) - mel).abs().mean()
    assert error < 0.2


def test_each_iteration_brings_it_closer() -> None:
    mel = log_mel(voice(32000))
    errors = [float((log_mel(invert(MelGriffinLim(CONFIG, n), mel)) - mel).abs().mean()) for n in (0, 1, 3, 9)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.6 * errors[0]


def test_the_first_guess_beats_many_iterations_from_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    mel = log_mel(voice(32000))
    guessed = (log_mel(invert(MelGriffinLim(CONFIG, 2), mel)) - mel).abs().mean()
    generator = torch.Generator().manual_seed(0)
    monkeypatch.setattr(
        GriffinLim, "_continue_phase", lambda self, magnitude: 6.3 * torch.rand(magnitude.shape, generator=generator)
    )
    chance = (log_mel(invert(MelGriffinLim(CONFIG, 8), mel)) - mel).abs().mean()
    assert guessed < chance


@pytest.mark.parametrize("num_frames", [0, 1, 2, BLOCK - 13, BLOCK - 12, BLOCK - 11, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_every_frame_gives_a_hop(num_frames: int) -> None:
    vocoder = MelGriffinLim(CONFIG)
    wave = invert(vocoder, torch.full((80, num_frames), -3.0), BLOCK)
    assert wave.shape == (num_frames * CONFIG.hop_length,)
    assert wave.isfinite().all()


@pytest.mark.parametrize("num_frames", [1, 100, 255, 257, 10_000])
def test_pieces_of_any_size_give_the_same_bits(num_frames: int) -> None:
    mel = log_mel(voice(100_000))
    vocoder = MelGriffinLim(CONFIG)
    whole = invert(vocoder, mel)
    assert torch.equal(invert(vocoder, mel, num_frames), whole)


def test_the_callers_gradients_change_no_bit() -> None:
    mel = log_mel(voice(32000))
    with torch.inference_mode():
        expected = invert(MelGriffinLim(CONFIG), mel)
    assert torch.equal(invert(MelGriffinLim(CONFIG), mel), expected)


@pytest.mark.parametrize("block_frames", [32, BLOCK])
def test_blocks_join_without_a_seam(block_frames: int) -> None:
    mel = log_mel(voice(2 * BLOCK * CONFIG.hop_length))
    blocks = invert(MelGriffinLim(CONFIG, block_frames=block_frames), mel)
    whole = invert(MelGriffinLim(CONFIG, block_frames=2 * BLOCK + 100), mel)
    torch.testing.assert_close(blocks, whole, atol=1e-5, rtol=0)


def test_output_is_given_as_soon_as_it_is_settled() -> None:
    vocoder = MelGriffinLim(CONFIG, 3)
    late = 12 * CONFIG.hop_length
    assert len(vocoder.push(torch.zeros(80, BLOCK - 1))) == 0
    assert len(vocoder.push(torch.zeros(80, 1))) == BLOCK * CONFIG.hop_length - late
    assert len(vocoder.push(torch.zeros(80, BLOCK))) == BLOCK * CONFIG.hop_length
    assert len(vocoder.flush()) == late


def test_silence_stays_silent() -> None:
    wave = invert(MelGriffinLim(CONFIG), log_mel(torch.zeros(16000)))
    assert wave.abs().max() < 1e-2


@pytest.mark.parametrize("num_frames", [1, 100, 10_000])
def test_magnitudes_make_sound_too_in_any_pieces(num_frames: int) -> None:
    wave = voice(50_000)
    padded = torch.nn.functional.pad(wave, (CONFIG.margin_samples, CONFIG.margin_samples + 80))
    spectrum = torch.stft(
        padded, CONFIG.n_fft, CONFIG.hop_length, window=torch.hann_window(640), center=False, return_complex=True
    )
    sound = invert(GriffinLim(CONFIG), spectrum.abs(), num_frames)
    assert torch.equal(sound, invert(GriffinLim(CONFIG), spectrum.abs()))
    unfolded = invert(MelGriffinLim(CONFIG), log_mel(wave))
    distances = [(log_mel(each[:50_000]) - log_mel(wave)).abs().mean() for each in (sound, unfolded)]
    assert distances[0] < distances[1]


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"expected log-mels of shape \(80, n\)"):
        MelGriffinLim(CONFIG).push(torch.zeros(1, 80, 10))
    with pytest.raises(ValueError, match=r"expected magnitudes of shape \(321, n\)"):
        GriffinLim(CONFIG).push(torch.zeros(80, 10))
    with pytest.raises(ValueError, match="num_iterations"):
        MelGriffinLim(CONFIG, -1)
