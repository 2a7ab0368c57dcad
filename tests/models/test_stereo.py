"""Stereo models: mid and side, or both channels at once, exact in every length, chunk and file."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.codes import Codes, CodesError
from audiovq.models import VQVAE, panning
from audiovq.models.panning import Panner, band_weights, mono_mel
from audiovq.models.stereo import from_mean_and_difference, join, joint_mel, split, to_mean_and_difference
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import codes_hash, load_model, save_model
from audiovq.tokenizer import Tokenizer
from tests.models import tiny

RATE = tiny.MEL.sample_rate
MODES = ("separate", "mid_side", "joint")
modes = pytest.mark.parametrize("stereo", MODES)
# Large enough for levels and phases to be told from sound.
MEL = LogMelConfig(sample_rate=16000, n_fft=1024, hop_length=256, num_mels=40, fmax=8000.0)


def model(stereo: str) -> VQVAE:
    torch.manual_seed(0)
    made = VQVAE(dataclasses.replace(tiny.config(), stereo=stereo))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "project.weight" in name:
                parameter.mul_(10)
    return made.eval()


def tokenizer(stereo: str, with_vocoder: bool = False) -> Tokenizer:
    if not with_vocoder:
        return Tokenizer(model(stereo), stereo)
    torch.manual_seed(1)
    vocoder = Vocoder(VocoderConfig(mel=tiny.MEL, width=16, kernel_size=3, num_blocks=2))
    return Tokenizer(model(stereo), stereo, vocoder=vocoder, vocoder_name="voc")


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pan(mel: torch.Tensor, config: LogMelConfig = MEL, step: int = 10**6) -> torch.Tensor:
    panner = Panner(config, MelGriffinLim(config))
    return torch.cat([*(panner.push(piece) for piece in mel.split(step, dim=1)), panner.flush()], dim=1)


@modes
@pytest.mark.parametrize("with_vocoder", [False, True])
@pytest.mark.parametrize("chunk_seconds", [0.3, 7.0, 1000.0])
def test_any_chunk_gives_the_same_codes_and_sound(stereo: str, with_vocoder: bool, chunk_seconds: float) -> None:
    tok = tokenizer(stereo, with_vocoder)
    wave = noise(2, 60 * RATE + 17)
    codes = tok.encode(wave, sample_rate=RATE)
    assert tok.encode(wave, sample_rate=RATE, chunk_seconds=chunk_seconds) == codes
    sound = tok.decode(codes)
    assert sound.shape == wave.shape and sound.isfinite().all()
    assert torch.equal(tok.decode(codes, chunk_seconds=chunk_seconds), sound)


@modes
@pytest.mark.parametrize("length", [1, 63, 64, 65, 40 * 64 + 5])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_length_comes_back(stereo: str, length: int, channels: int) -> None:
    tok = tokenizer(stereo)
    codes = tok.encode(noise(channels, length), sample_rate=RATE)
    assert codes.num_channels == (1 if stereo == "joint" else channels)
    expected = (2 if stereo == "joint" else channels, length)
    assert tok.num_channels(codes) == expected[0]
    for levels in (1, 2, 3):
        wave = tok.decode(codes, levels=levels)
        assert wave.shape == expected and wave.isfinite().all()


def test_mid_and_side_are_coded_as_if_alone() -> None:
    tok, wave = tokenizer("mid_side"), noise(2, 30 * RATE)
    codes = tok.encode(wave, sample_rate=RATE)
    middle, side = (wave[0] + wave[1]) / 2, (wave[0] - wave[1]) / 2
    assert codes.channel(0) == tok.encode(middle, sample_rate=RATE)
    assert codes.channel(1) == tok.encode(side, sample_rate=RATE)
    decoded = [tok.decode(codes.channel(channel))[0] for channel in range(2)]
    expected = torch.stack([decoded[0] + decoded[1], decoded[0] - decoded[1]])
    assert torch.equal(tok.decode(codes), expected)


def test_a_joint_model_hears_both_channels_and_mono_on_both_sides() -> None:
    tok, wave = tokenizer("joint"), noise(2, 30 * RATE)
    codes = tok.encode(wave, sample_rate=RATE)
    assert codes.bits_per_second == tok.bits_per_second
    assert codes != tok.encode(wave.flip(0), sample_rate=RATE)
    assert tok.encode(wave[0], sample_rate=RATE) == tok.encode(wave[:1].expand(2, -1), sample_rate=RATE)


@modes
def test_mels_give_what_their_waveform_gives(stereo: str) -> None:
    tok, wave = tokenizer(stereo), noise(2, 40 * 64)
    codes = tok.encode(wave, sample_rate=RATE)
    with torch.inference_mode():
        mel = torch.cat([tok.model.mel(each[None]) for each in split(wave, stereo)])
    assert tok.encode_mel(mel) == codes
    assert tok.decode_mel(codes).shape == mel.shape


def test_more_channels_than_two() -> None:
    assert tokenizer("separate").encode(noise(6, 500), sample_rate=RATE).num_channels == 6
    for stereo in ("mid_side", "joint"):
        with pytest.raises(ValueError, match="codes one or two channels, got 6: mix them down"):
            tokenizer(stereo).encode(noise(6, 500), sample_rate=RATE)
    tok = tokenizer("joint")
    codes = tok.encode(noise(2, 500), sample_rate=RATE)
    doubled = dataclasses.replace(codes, levels=tuple(torch.cat([c, c]) for c in codes.levels), num_channels=2)
    with pytest.raises(CodesError, match="joint has 1 channels of codes at most, got 2"):
        tok.decode(doubled)


@modes
def test_models_and_codes_survive_files(tmp_path: Path, stereo: str) -> None:
    made = model(stereo)
    for parameter in made.state_dict().values():
        if parameter.is_floating_point():
            parameter.copy_(parameter.half())
    save_model(tmp_path / "m", made, "m", "CC0-1.0")
    loaded = Tokenizer(load_model(tmp_path / "m")[0], "m")
    codes = loaded.encode(noise(2, 3000), sample_rate=RATE)
    assert codes == Tokenizer(made, "m").encode(noise(2, 3000), sample_rate=RATE)
    codes.save(tmp_path / "a.avq")
    assert torch.equal(loaded.decode(Codes.load(tmp_path / "a.avq")), loaded.decode(codes))


def test_another_way_with_channels_is_another_encoder() -> None:
    made = model("separate")
    before = codes_hash(made)
    made.config.stereo = "mid_side"
    assert codes_hash(made) != before


def test_joint_needs_mels() -> None:
    with pytest.raises(ValueError, match="stereo='joint' needs a mel frontend and head, got 'wave' and 'istft'"):
        dataclasses.replace(tiny.config("wave"), stereo="joint")
    with pytest.raises(ValueError, match="stereo is 'both', expected one of separate, mid_side, joint"):
        dataclasses.replace(tiny.config(), stereo="both")


@pytest.mark.parametrize("stereo", ["separate", "mid_side"])
def test_what_is_split_is_joined(stereo: str) -> None:
    wave = (32 * noise(2, 100)).round()
    assert torch.equal(join(split(wave, stereo).flatten(0, 1), stereo), wave)


def test_joint_mels_by_hand() -> None:
    log_mel, wave = LogMel(MEL), noise(1, 1, 8192)
    plain = log_mel(wave)
    for left, right, agreement in ((1, 1, 1), (1, -0.5, -1), (0.25, 0.5, 1)):
        mel = joint_mel(log_mel, torch.cat([left * wave, right * wave], dim=1))
        parts = mel.chunk(3, dim=1)
        torch.testing.assert_close(parts[0], plain + math.log(abs(left)), atol=1e-4, rtol=0)
        torch.testing.assert_close(parts[1], plain + math.log(abs(right)), atol=1e-4, rtol=0)
        torch.testing.assert_close(parts[2], torch.full_like(plain, agreement), atol=1e-3, rtol=0)
        network = to_mean_and_difference(mel, -6.0, 3.0)
        torch.testing.assert_close(from_mean_and_difference(network, -6.0, 3.0), mel, atol=1e-5, rtol=0)
    apart = joint_mel(log_mel, torch.cat([wave, noise(1, 1, 8192, seed=5)], dim=1)).chunk(3, dim=1)[2]
    assert abs(float(apart.mean())) < 0.1
    silent = joint_mel(log_mel, torch.zeros(1, 2, 1024)).chunk(3, dim=1)
    assert torch.equal(silent[2], torch.ones_like(silent[2]))
    one_sided = joint_mel(log_mel, torch.cat([wave, 0 * wave], dim=1)).chunk(3, dim=1)
    assert torch.equal(one_sided[1], torch.full_like(plain, MEL.floor).log())
    assert one_sided[2].abs().max() < 0.01


def test_joint_mels_are_made_as_the_convention_says() -> None:
    log_mel = LogMel(dataclasses.replace(MEL, power_offset=0.1, filter_scale="htk"))
    wave = noise(2, 1, 4096)
    left, right, _ = joint_mel(log_mel, wave.transpose(0, 1)).chunk(3, dim=1)
    torch.testing.assert_close(torch.cat([left, right]), log_mel(wave))
    silent = joint_mel(log_mel, torch.zeros(1, 2, 1024)).chunk(3, dim=1)
    assert torch.equal(silent[2], torch.ones_like(silent[2]))


def test_power_and_weights_by_hand() -> None:
    left, right = torch.tensor([3.0]).log(), torch.tensor([4.0]).log()
    torch.testing.assert_close(mono_mel(left, right).exp(), torch.tensor([12.5]).sqrt())
    weights = band_weights(MEL)
    torch.testing.assert_close(weights.sum(0), torch.ones(513))
    assert weights[0, 0] == 1 and weights[-1, -1] == 1
    torch.testing.assert_close(torch.full((1, 40), 0.7) @ weights, torch.full((1, 513), 0.7))


@pytest.mark.parametrize("step", [1, 77, 1000])
def test_pieces_of_any_size_give_the_same_bits(step: int) -> None:
    mel = joint_mel(LogMel(tiny.MEL), noise(1, 2, 40 * RATE))[0]
    whole = pan(mel, tiny.MEL)
    assert whole.shape == (2, 40 * RATE)
    assert torch.equal(pan(mel, tiny.MEL, step), whole)


def test_windows_give_what_one_pass_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    mel = joint_mel(LogMel(tiny.MEL), noise(1, 2, 40 * RATE + 24))[0]
    in_windows = pan(mel, tiny.MEL)
    monkeypatch.setattr(panning, "WINDOW_SECONDS", 1000)
    torch.testing.assert_close(in_windows, pan(mel, tiny.MEL), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (1.0, 0.25), (0.1, 1.0)])
def test_one_sound_at_two_levels_is_one_sound_at_two_levels(left: float, right: float) -> None:
    wave = noise(1, 1, 32000)
    mel = joint_mel(LogMel(MEL), torch.cat([left * wave, right * wave], dim=1))[0]
    mel[80:] = 1.0
    griffin_lim = MelGriffinLim(MEL)
    power = mono_mel(mel[:40], mel[40:80])
    mono = torch.cat([griffin_lim.push(power), griffin_lim.flush()])
    expected = torch.stack([left * mono, right * mono]) / math.sqrt((left**2 + right**2) / 2)
    torch.testing.assert_close(pan(mel), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("agreement", [1.0, 0.6, 0.0, -1.0])
def test_channels_agree_as_much_as_they_are_said_to(agreement: float) -> None:
    mel = joint_mel(LogMel(MEL), noise(1, 1, 32000).expand(1, 2, -1))[0]
    mel[80:] = agreement
    left, right = pan(mel)
    correlation = float(left @ right / (left.norm() * right.norm()))
    assert correlation == pytest.approx(agreement, abs=0.1)
    assert float(left.norm() / right.norm()) == pytest.approx(1, abs=0.05)


def test_a_silent_channel_stays_silent() -> None:
    wave = noise(1, 1, 32000)
    left, right = pan(joint_mel(LogMel(MEL), torch.cat([wave, 0 * wave], dim=1))[0])
    assert right.abs().max() < 1e-4 * left.abs().max() * 10
    assert float(left.square().mean() / wave.square().mean()) == pytest.approx(1, abs=0.4)
    silence = pan(joint_mel(LogMel(MEL), torch.zeros(1, 2, 32000))[0])
    assert silence.abs().max() < 1e-3


def test_the_two_halves_of_the_band_are_on_two_sides() -> None:
    """Levels are set band by band: low sound on the left, high sound on the right."""
    mel = joint_mel(LogMel(MEL), noise(1, 1, 32000).expand(1, 2, -1))[0]
    mel[20:40] = math.log(MEL.floor)
    mel[40:60] = math.log(MEL.floor)
    left, right = torch.fft.rfft(pan(mel)).abs().square()
    edge = len(left) // 4
    assert left[: edge // 4].sum() > 100 * right[: edge // 4].sum()
    assert right[2 * edge :].sum() > 100 * left[2 * edge :].sum()
