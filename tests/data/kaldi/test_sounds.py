from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiovq.audio.io import AudioError, read
from audiovq.data.kaldi import DataDir, DataDirError, Segment, Sound
from tests.data.kaldi.make import RATE, segments, whole_files, write_wav


def test_sounds_come_in_the_order_of_the_ids_with_their_samples(tmp_path: Path) -> None:
    data = whole_files(tmp_path)
    sounds = list(data.sounds())
    assert [sound.utt_id for sound in sounds] == ["Zoë-1", "anna-01", "bob-007"]
    for sound in sounds:
        wave, rate = sound.read()
        assert rate == RATE and torch.equal(wave, read(data.wav_scp[sound.utt_id])[0])


def test_a_command_gives_what_it_writes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a file.wav", channels=2)
    wave, rate = Sound("a", f"cat '{path}' | cat |").read()
    assert rate == RATE and torch.equal(wave, read(path)[0])


# Formats in which libsndfile cannot seek, or decodes other samples after a seek, are among them.
@pytest.mark.parametrize(
    "name, subtype, rate",
    [
        ("a.wav", "PCM_16", 44100),
        ("a.wav", "FLOAT", 44100),
        ("a.flac", "PCM_24", 44100),
        ("a.wav", "GSM610", 8000),
        ("a.ogg", "VORBIS", 44100),
        ("a.mp3", "MPEG_LAYER_III", 44100),
    ],
)
@pytest.mark.parametrize("source", ["{}", "cat {} |"])
def test_a_segment_is_a_slice_of_the_whole(name: str, subtype: str, rate: int, source: str, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, rate).cumsum()
    soundfile.write(tmp_path / name, samples / abs(samples).max() / 2, rate, subtype=subtype)
    whole, _ = read(tmp_path / name)
    part, _ = Sound("a", source.format(tmp_path / name), 0.25, 0.7512345).read()
    assert torch.equal(part, whole[:, rate // 4 : round(rate * 0.7512345)])


def test_a_segment_may_end_a_rounding_after_its_recording(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", num_samples=1000)
    wave, _ = Sound("a", path, 0.0, 0.07).read()
    assert wave.shape == (1, 1000)


@pytest.mark.parametrize(
    "source, times, message",
    [
        ("{}/nowhere.wav", (), "a-1: cannot read {}/nowhere.wav: No such file or directory"),
        ("{}/text.wav", (), "a-1: {}/text.wav is not a sound file"),
        ("echo oh no >&2; false |", (), "a-1: the command 'echo oh no >&2; false' failed with code 1: oh no"),
        ("exit 3 |", (), "a-1: the command 'exit 3' failed with code 3: it said nothing"),
        ("true |", (), "a-1: the output of 'true |' is an empty file"),
        ("{}/a.wav", (0.4, 0.6), "a-1: {}/a.wav lasts 0.500 s: it has no segment from 0.4 to 0.6 s"),
        ("{}/a.wav", (0.7, 0.9), "a-1: {}/a.wav lasts 0.500 s: it has no segment from 0.7 to 0.9 s"),
        ("{}/a.wav", (0.5, 0.505), "a-1: {}/a.wav lasts 0.500 s: it has no segment from 0.5 to 0.505 s"),
        ("{}/nan.wav", (0.1, 0.4), "a-1: {}/nan.wav has a sample that is not a finite number"),
        ("{}/cut.flac", (0.3, 0.5), "a-1: {}/cut.flac is "),
    ],
)
def test_errors_begin_with_the_utterance(
    source: str, times: tuple[()] | tuple[float, float], message: str, tmp_path: Path
) -> None:
    write_wav(tmp_path / "a.wav")
    (tmp_path / "text.wav").write_text("no sound at all")
    samples = np.zeros(RATE // 2)
    samples[RATE // 4] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, RATE, "FLOAT")
    write_wav(tmp_path / "cut.flac")
    (tmp_path / "cut.flac").write_bytes((tmp_path / "cut.flac").read_bytes()[:3000])
    with pytest.raises(AudioError) as error:
        Sound("a-1", source.replace("{}", str(tmp_path)), *times).read()
    assert str(error.value).startswith(message.replace("{}", str(tmp_path)))
    assert "\n" not in str(error.value)


def test_the_sounds_of_segments_are_parts_of_their_recordings(tmp_path: Path) -> None:
    data = segments(tmp_path)
    third = list(data.sounds())[2]
    assert third == Sound("anna-2", data.wav_scp["anna_rec"], 1.0, 1.25)
    assert third.seconds() == 0.25 and Sound("a", third.source).seconds() == 2.0


def test_a_segment_of_no_recording_is_named() -> None:
    data = DataDir({"b_rec": "b.wav"}, {"a-1": "a"}, segments={"a-1": Segment("a_rec", 0, 1)})
    with pytest.raises(DataDirError, match=r"a-1 is a part of a_rec, which is not in wav\.scp"):
        list(data.sounds())
