"""The tokenizer's promises: chunked == whole, batched == single, exact lengths, every prefix, plain refusals."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import audiovq
from audiovq.codes import Codes, CodesError
from audiovq.models import VQVAE
from audiovq.nn.mask import FrameMask
from audiovq.pretrained import ModelError, codes_hash, load_model, read_card, save_model
from audiovq.tokenizer import Tokenizer
from tests.models import tiny

RATE, HOP = 800, 64
MINUTE = 60 * RATE
HEADS = [("mel", "mel"), ("wave", "istft"), ("wave", "transposed"), ("mel", "istft")]
heads = pytest.mark.parametrize(("front", "head"), HEADS, ids=["-".join(pair) for pair in HEADS])


def tokenizer(front: str = "mel", head: str = "mel") -> Tokenizer:
    return Tokenizer(tiny.model(front, head=head), "tiny")


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@heads
@pytest.mark.parametrize("chunk_seconds", [0.3, 7.0, 1000.0])
def test_any_chunk_gives_the_same_codes_and_sound(front: str, head: str, chunk_seconds: float) -> None:
    tok = tokenizer(front, head)
    wave = noise(1, MINUTE + 17)
    codes = tok.encode(wave, sample_rate=RATE)
    assert tok.encode(wave, sample_rate=RATE, chunk_seconds=chunk_seconds) == codes
    assert torch.equal(tok.decode(codes, chunk_seconds=chunk_seconds), tok.decode(codes))


@heads
def test_windows_equal_one_pass_over_everything(front: str, head: str) -> None:
    tok = tokenizer(front, head)
    wave = noise(1, MINUTE + 17)
    frames = -(-wave.shape[1] // HOP)
    assert frames > 2 * 200, "the signal must need several windows"
    padded = torch.nn.functional.pad(wave, (0, frames * HOP - wave.shape[1]))[None]
    with torch.inference_mode():
        whole = tok.model.encode(tok.model.features(padded))
        output = tok.model.decode(whole)
    codes = tok.encode(wave, sample_rate=RATE)
    for ours, theirs in zip(codes.levels, whole, strict=True):
        assert torch.equal(ours, theirs[0])
    if head == "mel":
        mel = tok.decode_mel(codes)
        torch.testing.assert_close(mel, output[..., : mel.shape[2]], atol=1e-5, rtol=1e-5)
    else:
        torch.testing.assert_close(tok.decode(codes), output[0, :, : wave.shape[1]], atol=1e-5, rtol=1e-5)


@heads
def test_a_batch_of_mixed_lengths_equals_single_encodes(front: str, head: str) -> None:
    tok = tokenizer(front, head)
    waves = [noise(length, seed=length) for length in (1, 80, 1000, 16000, 333)]
    together = tok.encode_batch(waves, sample_rate=RATE)
    assert together == [tok.encode(wave, sample_rate=RATE) for wave in waves]


@heads
@pytest.mark.parametrize("length", [1, HOP - 1, HOP, HOP + 1, 10 * HOP + 3, 400 * HOP + 5])
def test_every_length_comes_back(front: str, head: str, length: int) -> None:
    tok = tokenizer(front, head)
    codes = tok.encode(noise(length), sample_rate=RATE)
    assert codes.num_samples == length
    for levels in (1, 2, 3, None):
        wave = tok.decode(codes, levels=levels)
        assert wave.shape == (1, length) and wave.dtype == torch.float32
        assert wave.isfinite().all()


def test_channels_are_coded_as_if_alone() -> None:
    tok = tokenizer()
    wave = noise(2, 30 * RATE)
    codes = tok.encode(wave, sample_rate=RATE)
    assert codes.num_channels == 2
    for channel in range(2):
        alone = tok.encode(wave[channel], sample_rate=RATE)
        assert codes.channel(channel) == alone
        assert torch.equal(tok.decode(codes)[channel : channel + 1], tok.decode(alone))


def test_another_rate_is_resampled() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(2, 44100), sample_rate=2205)
    assert (codes.num_samples, codes.sample_rate, codes.num_channels) == (16000, RATE, 2)
    assert tok.decode(codes).shape == (2, 16000)


def test_a_file_gives_what_its_samples_give(tmp_path: Path) -> None:
    tok = tokenizer()
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(2, 20000).T.numpy(), 1000)
    samples, rate = soundfile.read(path, dtype="float32")
    assert tok.encode(path) == tok.encode(samples.T, sample_rate=rate) == tok.encode(str(path), chunk_seconds=0.77)


@pytest.mark.parametrize(
    ("dtype", "scale", "middle"), [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 2**7, 2**7)]
)
def test_integers_are_scaled_by_their_type(dtype: type, scale: int, middle: int) -> None:
    tok = tokenizer()
    integers = (noise(5000).clamp(-0.9, 0.9).double().numpy() * scale).astype(np.int64)
    floats = torch.from_numpy(integers / scale).float()
    assert tok.encode((integers + middle).astype(dtype), sample_rate=RATE) == tok.encode(floats, sample_rate=RATE)


def test_mels_give_what_their_waveform_gives() -> None:
    tok = tokenizer()
    wave = noise(2, 40 * HOP)
    mel = torch.cat([tok.model.log_mel(channel[None, None]) for channel in wave])
    assert tok.encode_mel(mel) == tok.encode(wave, sample_rate=RATE)


def test_decoded_mels_belong_to_the_samples() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(1, 1000), sample_rate=RATE)
    assert tok.decode_mel(codes).shape == (1, 6, 125)
    with pytest.raises(ValueError, match="decodes to waveforms"):
        tokenizer("wave", "istft").decode_mel(codes)
    with pytest.raises(ValueError, match="reads waveforms, not mels"):
        tokenizer("wave", "istft").encode_mel(torch.zeros(1, 6, 10))
    with pytest.raises(ValueError, match=r"shape \(C, 6, N\), got \(6, 10\)"):
        tok.encode_mel(torch.zeros(6, 10))


def test_blocks_are_the_whole() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(1, MINUTE), sample_rate=RATE)
    blocks = list(tok.decode_blocks(codes))
    assert len(blocks) > 2
    assert torch.equal(torch.cat(blocks, dim=1), tok.decode(codes))


def test_what_the_model_says_of_itself() -> None:
    tok = tokenizer()
    assert tok.hop_lengths == (64, 32, 16) and tok.num_levels == 3 and tok.sample_rate == RATE
    assert [float(rate) for rate in tok.frame_rates] == [12.5, 25.0, 50.0]
    assert tok.codebook_sizes == (16, 16, 16) and tok.num_codebooks == (1, 1, 2)
    assert tok.bits_per_second == 4 * (12.5 + 25 + 2 * 50)
    codes = tok.encode(noise(RATE), sample_rate=RATE)
    assert codes.bits_per_second == tok.bits_per_second and codes.model == tok.model_id


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(0), "no samples"),
        (torch.zeros(48000, 2), r"expected a waveform of shape \(T,\) or \(C, T\) .* got \(48000, 2\)"),
        (torch.tensor([0.0, float("nan")]), "not a finite number"),
        (torch.zeros(2, 2, 2), "expected a waveform of shape"),
        (torch.zeros(4, dtype=torch.complex64), "expected float or integer samples"),
        ([0.0, 0.1], "expected a path, a numpy array or a torch tensor, got list"),
    ],
)
def test_waveforms_that_cannot_be_coded(audio: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tokenizer().encode(audio, sample_rate=RATE)


def test_a_waveform_needs_its_rate_and_a_file_does_not() -> None:
    tok = tokenizer()
    with pytest.raises(ValueError, match="needs its sample_rate"):
        tok.encode(noise(100))
    with pytest.raises(ValueError, match="states its own rate"):
        tok.encode("a.wav", sample_rate=RATE)
    with pytest.raises(ValueError, match="chunk_seconds is 0, expected a positive number"):
        tok.encode(noise(100), sample_rate=RATE, chunk_seconds=0)


def changed(part: str) -> VQVAE:
    model = tiny.model()
    with torch.no_grad():
        next(model.get_submodule(part).parameters()).add_(0.1)
    return model


def test_another_decoder_reads_old_codes_and_another_encoder_refuses_them() -> None:
    codes = tokenizer().encode(noise(1000), sample_rate=RATE)
    assert Tokenizer(changed("decoder"), "better").decode(codes).shape == (1, 1000)
    for part in ("encoder", "hierarchy"):
        with pytest.raises(CodesError, match="has another encoder and cannot read them"):
            Tokenizer(changed(part), "tiny").decode(codes)


def test_a_changed_codebook_is_another_encoder() -> None:
    model = tiny.model()
    before = codes_hash(model)
    model.get_buffer("hierarchy.quantizers.1.ema_count").add_(1)
    assert codes_hash(model) == before
    model.get_buffer("hierarchy.quantizers.1.codebook").mul_(-1)
    assert codes_hash(model) != before


def test_codes_of_fewer_levels_decode_as_that_prefix() -> None:
    tok = tokenizer()
    codes = tok.encode(noise(1000), sample_rate=RATE)
    assert torch.equal(tok.decode(codes.prefix(2)), tok.decode(codes, levels=2))
    with pytest.raises(CodesError, match="cannot take 3 levels of 2"):
        tok.decode(codes.prefix(2), levels=3)


def test_saved_and_loaded_models_make_the_same_codes(tmp_path: Path) -> None:
    model = tiny.model()
    for parameter in model.state_dict().values():
        if parameter.is_floating_point():
            parameter.copy_(parameter.half())  # what is written is written in half precision
    save_model(tmp_path / "m", model, "tiny", "CC0-1.0")
    tok = audiovq.load(tmp_path / "m")
    ours = Tokenizer(model, "tiny")
    assert tok.model_id == ours.model_id
    wave = noise(5000)
    codes = tok.encode(wave, sample_rate=RATE)
    assert codes == ours.encode(wave, sample_rate=RATE)
    assert torch.equal(tok.decode(codes), ours.decode(codes))
    assert read_card(tmp_path / "m").licence == "CC0-1.0"


def test_loading_leaves_random_numbers_alone(tmp_path: Path) -> None:
    save_model(tmp_path / "m", tiny.model(), "tiny", "CC0-1.0")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    load_model(tmp_path / "m")
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"{", "is no model configuration"),
        ("config.json", b'{"format_version": 2}', "has format version 2, this audiovq reads 1"),
        ("config.json", b'{"format_version": 1, "name": "a"}', "lacks the key 'model'"),
        ("config.json", b'{"format_version": 1, "name": "", "licence": "", "model": {"wide": 1}}', "has no field wide"),
        ("config.json", b"[]", "is no model configuration"),
        ("model.safetensors", b"123", "cannot read"),
        ("model.safetensors", None, "has no model.safetensors"),
    ],
)
def test_broken_models_are_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    save_model(tmp_path, tiny.model(), "tiny", "CC0-1.0")
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        audiovq.load(tmp_path)


def test_weights_of_another_configuration_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path, tiny.model(), "tiny", "CC0-1.0")
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"width": 16', '"width": 18'))
    with pytest.raises(ModelError, match="does not fit its config"):
        audiovq.load(tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'speech-17k': expected a bundled tokenizer"):
        audiovq.load("speech-17k")


def test_codes_survive_a_file(tmp_path: Path) -> None:
    tok = tokenizer()
    codes = tok.encode(noise(2, 5000), sample_rate=RATE)
    codes.save(tmp_path / "a.avq")
    loaded = Codes.load(tmp_path / "a.avq")
    assert loaded == codes and torch.equal(tok.decode(loaded), tok.decode(codes))
    assert dataclasses.asdict(loaded).keys() == dataclasses.asdict(codes).keys()


def test_the_masked_model_codes_a_padded_batch_as_single_encodes_do() -> None:
    tok = tokenizer()
    waves = [noise(length, seed=length) for length in (700, 64, 3000)]
    frames = torch.tensor([-(-len(wave) // HOP) for wave in waves])
    batch = torch.zeros(3, 1, int(frames.max()) * HOP)
    for row, wave in zip(batch, waves, strict=True):
        row[0, : len(wave)] = wave
    with torch.inference_mode():
        levels = tok.model.encode(tok.model.features(batch), FrameMask.from_lengths(frames, int(frames.max())))
    for item, codes in enumerate(tok.encode_batch(waves, sample_rate=RATE)):
        for ours, theirs in zip(codes.levels, levels, strict=True):
            assert torch.equal(theirs[item, :, : ours.shape[1]], ours)


def test_wav_bytes_are_no_path() -> None:
    with pytest.raises(ValueError, match="expected a path"):
        tokenizer().encode(io.BytesIO(b"RIFF"), sample_rate=RATE)  # type: ignore[arg-type]
