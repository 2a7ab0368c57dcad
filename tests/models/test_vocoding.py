"""A vocoder beside a tokenizer: which one is taken, and that its windows cannot be heard."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

import audiovq
from audiovq.audio.griffin_lim import GriffinLim, MelGriffinLim
from audiovq.audio.mel import LogMelConfig
from audiovq.audio.mel_presets import MEL_PRESETS
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.models.vocoding import VocoderStream
from audiovq.pretrained import GRIFFIN_LIM, ModelError, bundled, save_model, save_vocoder
from audiovq.tokenizer import Tokenizer
from tests.models import tiny

RATE, HOP = tiny.MEL.sample_rate, tiny.MEL.hop_length
WINDOW_FRAMES = 16 * RATE // HOP


def vocoder(mel: LogMelConfig = tiny.MEL, head: str = "istft") -> Vocoder:
    """Untrained, always the same, with residual branches and outputs large enough to matter."""
    torch.manual_seed(1)
    made = Vocoder(VocoderConfig(mel=mel, head=head, width=16, kernel_size=3, expansion=2, num_blocks=2))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "project.weight" in name:
                parameter.mul_(10)
            if "log_gain.weight" in name:
                parameter.normal_(std=0.2)
    return made.eval()


heads = pytest.mark.parametrize("head", ["istft", "magnitude"])


def tokenizer() -> Tokenizer:
    return Tokenizer(tiny.model(), "tiny", vocoder=vocoder(), vocoder_name="voc")


def mels(num_frames: int) -> torch.Tensor:
    return -5 + 2 * torch.randn(tiny.MEL.num_mels, num_frames, generator=torch.Generator().manual_seed(0))


def noise(*shape: int) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def run(stream: VocoderStream, mel: torch.Tensor, step: int) -> torch.Tensor:
    return torch.cat([*(stream.push(piece) for piece in mel.split(step, dim=1)), stream.flush()])


@heads
@pytest.mark.parametrize("step", [1, 77, WINDOW_FRAMES, 10**6])
def test_pieces_of_any_size_give_the_same_bits(step: int, head: str) -> None:
    stream, mel = VocoderStream(vocoder(head=head)), mels(3 * WINDOW_FRAMES + 13)
    assert torch.equal(run(stream, mel, step), run(stream, mel, 10**6))


def test_windows_give_what_one_pass_gives() -> None:
    network, mel = vocoder(), mels(2 * WINDOW_FRAMES + 13)
    with torch.inference_mode():
        whole = network(mel[None])[0, 0]
    assert whole.std() > 0.01
    torch.testing.assert_close(run(VocoderStream(network), mel, 100), whole, atol=1e-5, rtol=1e-5)


def test_griffin_lim_makes_the_sound_of_magnitudes() -> None:
    network, mel = vocoder(head="magnitude"), mels(2 * WINDOW_FRAMES + 13)
    with torch.inference_mode():
        magnitudes = network(mel[None])[0]
    griffin_lim = GriffinLim(tiny.MEL, network.config.num_iterations)
    whole = torch.cat([griffin_lim.push(magnitudes), griffin_lim.flush()])
    wave = run(VocoderStream(network), mel, 100)
    torch.testing.assert_close(wave, whole, atol=2e-3, rtol=1e-3)
    unfolding = MelGriffinLim(tiny.MEL, network.config.num_iterations)
    assert not torch.allclose(wave, torch.cat([unfolding.push(mel), unfolding.flush()]), atol=1e-2)


@heads
@pytest.mark.parametrize("num_frames", [0, 1, 2, WINDOW_FRAMES, WINDOW_FRAMES + 1, 2 * WINDOW_FRAMES + 40])
def test_every_frame_gives_a_hop(num_frames: int, head: str) -> None:
    stream = VocoderStream(vocoder(head=head))
    for _ in range(2):  # a stream begins anew after its end
        wave = run(stream, mels(num_frames), 50)
        assert wave.shape == (num_frames * HOP,) and wave.isfinite().all()


def test_no_more_is_kept_back_than_a_window() -> None:
    stream = VocoderStream(vocoder())
    given, kept = 0, 0
    for piece in mels(10 * WINDOW_FRAMES).split(100, dim=1):
        given += piece.shape[1] * HOP
        given -= len(stream.push(piece))
        kept = max(kept, given)
    assert kept <= (WINDOW_FRAMES + 2 * stream.vocoder.context + 100) * HOP


def test_mels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a log-mel of shape \(6, n\), got \(1, 6, 10\)"):
        VocoderStream(vocoder()).push(torch.zeros(1, 6, 10))


@pytest.mark.parametrize("chunk_seconds", [0.3, 7.0, 1000.0])
def test_any_chunk_gives_the_same_sound(chunk_seconds: float) -> None:
    tok = tokenizer()
    codes = tok.encode(noise(1, 60 * RATE + 17), sample_rate=RATE)
    assert torch.equal(tok.decode(codes, chunk_seconds=chunk_seconds), tok.decode(codes))


def test_the_sound_is_that_of_the_decoded_mels() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(1, 40 * 64), sample_rate=RATE)
    with torch.inference_mode():
        expected = vocoder()(tok.decode_mel(codes))[0]
    wave = tok.decode(codes)
    torch.testing.assert_close(wave, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(wave, Tokenizer(tiny.model(), "tiny").decode(codes), atol=1e-2)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 400 * 64 + 5])
def test_every_length_comes_back(length: int) -> None:
    tok = tokenizer()
    codes = tok.encode(noise(length), sample_rate=RATE)
    for levels in (1, 2, 3):
        wave = tok.decode(codes, levels=levels)
        assert wave.shape == (1, length) and wave.dtype == torch.float32 and wave.isfinite().all()


def test_channels_sound_as_if_alone() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(2, 30 * RATE), sample_rate=RATE)
    for channel, wave in enumerate(tok.decode(codes)):
        assert torch.equal(wave[None], tok.decode(codes.channel(channel)))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bundled: two tokenizers, one of them with sound of its own, and two vocoders, one of them of other mels."""
    folder = tmp_path / "bundled"
    save_model(folder / "tiny", tiny.model(), "tiny", "CC0-1.0")
    save_model(folder / "wave", tiny.model(head="istft"), "wave", "CC0-1.0")
    save_vocoder(folder / "a-hop16", vocoder(dataclasses.replace(tiny.MEL, hop_length=16)), "a-hop16", "CC0-1.0")
    save_vocoder(folder / "voc", vocoder(), "voc", "CC0-1.0")
    monkeypatch.setattr(bundled, "BUNDLED", folder)
    return folder


def test_a_bundled_vocoder_is_taken_if_it_fits_and_else_griffin_lim(shipped: Path) -> None:
    assert audiovq.load("tiny").vocoder_name == "voc"
    shutil.rmtree(shipped / "voc")
    assert audiovq.load("tiny").vocoder_name == GRIFFIN_LIM
    assert audiovq.load("wave").vocoder_name is None


def test_a_vocoder_is_named_given_or_forbidden(shipped: Path, tmp_path: Path) -> None:
    codes = audiovq.load("tiny").encode(noise(3000), sample_rate=RATE)
    shutil.move(shipped / "voc", tmp_path / "mine")
    by_folder = audiovq.load("tiny", vocoder=tmp_path / "mine")
    assert by_folder.vocoder_name == "voc"
    plain = audiovq.load("tiny", vocoder="griffin-lim")
    assert plain.vocoder is None and plain.vocoder_name == GRIFFIN_LIM
    assert not torch.equal(plain.decode(codes), by_folder.decode(codes))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("model", "voc", "message"),
    [
        ("tiny", "vok", r"no model 'vok': expected a bundled vocoder \(a-hop16, voc\) or a folder"),
        ("tiny", "tiny", "tiny holds a tokenizer, expected a vocoder"),
        ("voc", None, "voc holds a vocoder, expected a tokenizer"),
        ("wave", "voc", "decodes to waveforms and takes no vocoder, got 'voc'"),
        ("wave", "griffin-lim", "decodes to waveforms and takes no vocoder, got 'griffin-lim'"),
        ("vok", None, r"no model 'vok': expected a bundled tokenizer \(tiny, wave\)"),
    ],
)
def test_what_cannot_be_loaded_says_why(model: str, voc: str | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        audiovq.load(model, vocoder=voc)


@pytest.mark.usefixtures("shipped")
def test_a_mismatch_names_every_field_that_differs(tmp_path: Path) -> None:
    other = dataclasses.replace(tiny.MEL, n_fft=64, hop_length=16, fmin=20.0, filter_norm="none")
    save_vocoder(tmp_path / "other", vocoder(other), "other", "CC0-1.0")
    with pytest.raises(ModelError) as error:
        audiovq.load("tiny", vocoder=tmp_path / "other")
    assert str(error.value) == (
        "the vocoder other reads other mels than tiny decodes: n_fft is 64, expected 32; hop_length is 16, expected 8; "
        "fmin is 20.0, expected 0.0; filter_norm is 'none', expected 'slaney'. Take another vocoder, or 'griffin-lim'"
    )


@pytest.mark.parametrize("preset", ["hifigan-22k", "vocos-24k"])
def test_mels_that_need_the_whole_signal_are_no_tokenizers(preset: str) -> None:
    padding = MEL_PRESETS[preset].padding
    mel = dataclasses.replace(tiny.MEL, padding=padding)
    with pytest.raises(ValueError, match=f"mel.padding is '{padding}', expected 'silence'"):
        dataclasses.replace(tiny.config(), mel=mel)
