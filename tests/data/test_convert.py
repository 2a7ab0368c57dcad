import io
import os
import time
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch

from audiovq.data.convert import Converted, convert, decode
from audiovq.data.corpora.utterance import Source, Utterance

RATE = 16000


def tone(seconds: float, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def utterance(path: Path, drop_reason: str = "") -> Utterance:
    return Utterance("ann-1", "ann", "en", Source(path), drop_reason=drop_reason)


def test_stereo_of_another_rate_becomes_mono_of_the_wanted_one(tmp_path: Path) -> None:
    wave = tone(1.0, 44100)
    soundfile.write(tmp_path / "in.wav", np.stack([wave, 0 * wave], axis=1), 44100, subtype="FLOAT")
    result = convert(utterance(tmp_path / "in.wav"), tmp_path / "out/ann-1.wav", RATE, min_seconds=0.3)
    header = soundfile.info(tmp_path / "out/ann-1.wav")
    assert (header.samplerate, header.channels, header.subtype, header.frames) == (RATE, 1, "PCM_16", RATE)
    assert (result.num_samples, result.drop_reason) == (RATE, "")
    written = soundfile.read(tmp_path / "out/ann-1.wav")[0]
    np.testing.assert_allclose(written[100:-100], tone(1.0, RATE)[100:-100] / 2, atol=1e-3)


def test_a_finished_file_is_only_read_until_its_source_changes(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, tone(1.0, RATE), RATE)
    first = convert(utterance(source), out, RATE, min_seconds=0.3)
    written = out.stat().st_mtime_ns
    assert convert(utterance(source), out, RATE, min_seconds=0.3) == first
    assert out.stat().st_mtime_ns == written
    soundfile.write(source, tone(0.5, RATE), RATE)
    os.utime(source, (time.time() + 10, time.time() + 10))
    assert convert(utterance(source), out, RATE, min_seconds=0.3).num_samples == RATE // 2


def test_a_finished_file_does_not_outlive_new_settings(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, tone(1.0, RATE), RATE)
    convert(utterance(source), out, RATE, min_seconds=0.3)
    assert convert(utterance(source), out, 8000, min_seconds=0.3).num_samples == 8000
    assert soundfile.info(out).samplerate == 8000
    assert convert(utterance(source), out, 8000, min_seconds=2.0).drop_reason == "shorter than 2.0 s: 1.000 s"
    assert convert(utterance(source, "a beep"), out, 8000, min_seconds=0.3).drop_reason == "a beep"


def test_stereo_stays_stereo_and_mono_is_on_both_sides(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    wave = tone(1.0, RATE)
    for channels, expected in (
        ([wave, -wave / 2], [wave, -wave / 2]),
        ([wave], [wave, wave]),
        ([wave, 0 * wave, wave / 2, 0 * wave], [wave * 0.375] * 2),
    ):
        soundfile.write(source, np.stack(channels, axis=1), RATE, subtype="FLOAT")
        os.utime(source, (time.time() + 10, time.time() + 10))
        result = convert(utterance(source), out, RATE, 0.3, num_channels=2)
        assert result.num_samples == RATE and not result.drop_reason
        np.testing.assert_allclose(soundfile.read(out)[0], np.stack(expected, axis=1), atol=1e-4)
    convert(utterance(source), out, RATE, 0.3)
    assert soundfile.info(out).channels == 1


def test_the_digest_tells_sounds_apart(tmp_path: Path) -> None:
    results = []
    for name, wave in (("a", tone(0.5, RATE)), ("b", tone(0.5, RATE)), ("c", -tone(0.5, RATE))):
        soundfile.write(tmp_path / f"{name}.wav", wave, RATE)
        results.append(
            convert(utterance(tmp_path / f"{name}.wav"), tmp_path / f"out/{name}.wav", RATE, min_seconds=0.3)
        )
    assert results[0].digest == results[1].digest != results[2].digest


@pytest.mark.parametrize(
    "samples, reason",
    [
        (tone(0.2, RATE), "shorter than 0.3 s: 0.200 s"),
        (np.zeros(RATE), "silent: every sample is zero in 16 bits"),
        (np.full(RATE, np.nan), "cannot be decoded: .* has a sample that is not a finite number"),
        (None, "cannot be decoded: .*in.wav is not a sound file"),
    ],
)
def test_unusable_sound_is_dropped_with_its_reason(tmp_path: Path, samples: np.ndarray | None, reason: str) -> None:
    path = tmp_path / "in.wav"
    if samples is None:
        path.write_text("words")
    else:
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    result = convert(utterance(path), tmp_path / "out.wav", RATE, min_seconds=0.3)
    assert result.num_samples == 0
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(result.drop_reason)
    assert not (tmp_path / "out.wav").exists()


def test_what_the_corpus_drops_is_not_even_read(tmp_path: Path) -> None:
    result = convert(utterance(tmp_path / "nowhere.wav", "a beep"), tmp_path / "out.wav", RATE, min_seconds=0.3)
    assert result == Converted("ann-1", drop_reason="a beep")


def test_sound_inside_a_larger_file(tmp_path: Path) -> None:
    inside = io.BytesIO()
    soundfile.write(inside, tone(0.5, 11025), 11025, format="MP3")
    data = inside.getvalue()
    (tmp_path / "archive").write_bytes(b"head of the archive" + data + b"tail")
    source = Source(tmp_path / "archive", offset_bytes=len(b"head of the archive"), num_bytes=len(data))
    wave, rate = decode(source)
    assert (wave.shape[0], rate) == (1, 11025)
    assert torch.corrcoef(torch.stack([wave[0, :5000], torch.from_numpy(tone(0.5, 11025)[:5000])]))[0, 1] > 0.9


def test_g722(tmp_path: Path) -> None:
    with av.open(tmp_path / "x.g722", "w", format="g722") as container:
        stream = container.add_stream("g722", rate=RATE, layout="mono")
        samples = (tone(1.0, RATE) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux([packet for part in (frame, None) for packet in stream.encode(part)])
    wave, rate = decode(Source(tmp_path / "x.g722", "g722"))
    assert (wave.shape, rate, wave.dtype) == ((1, RATE), RATE, torch.float32)
    assert (tmp_path / "x.g722").stat().st_size == RATE // 2  # 4 bits a sample
    delay = 22  # samples that G.722's two mirror filters take
    error = wave[0, delay:] - torch.from_numpy(tone(1.0, RATE))[:-delay]
    assert error[1000:].abs().mean() < 0.02
