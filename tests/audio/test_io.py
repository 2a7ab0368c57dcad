import os
import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiovq.audio import io
from audiovq.audio.io import AudioError, AudioReader, AudioWriter

RATE = 16000


def noise(num_samples: int, num_channels: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (0.2 * torch.randn(num_channels, num_samples, generator=generator)).clamp(-1, 1)


def write_blocks(path: Path, blocks: list[torch.Tensor]) -> None:
    with AudioWriter(path, RATE, 1) as writer:
        for block in blocks:
            writer.write(block)


@pytest.mark.parametrize(
    "name, subtype, tolerance",
    [
        ("a.wav", "PCM_U8", 1e-2),
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_16", 1e-4),
        ("a.aiff", "PCM_32", 1e-6),
        ("a.ogg", "VORBIS", 0.05),
        ("a.opus", "OPUS", 0.05),
        ("a.mp3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_reads_what_libsndfile_reads(tmp_path: Path, name: str, subtype: str, tolerance: float) -> None:
    phase = torch.arange(48000) * torch.tensor([[0.03], [0.05]])
    wave = 0.5 * phase.sin()
    file_format = "OGG" if subtype == "OPUS" else None
    soundfile.write(tmp_path / name, wave.T.numpy(), 48000, subtype=subtype, format=file_format)
    got, sample_rate = io.read(tmp_path / name)
    assert sample_rate == 48000
    assert got.shape == wave.shape
    assert got.dtype == torch.float32
    assert (got - wave)[:, 2000:-2000].abs().max() <= tolerance  # lossy formats ring at the ends


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_blocks_concatenate_to_the_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(10007, num_channels=2).T.numpy(), RATE)
    whole, _ = io.read(path)
    with AudioReader(path) as reader:
        sizes = [1, 0, 4096, 4096, 4096, 4096]
        blocks = [reader.read(size) for size in sizes]
    assert [block.shape[1] for block in blocks] == [1, 0, 4096, 4096, 10007 - 8193, 0]
    assert torch.equal(torch.cat(blocks, 1), whole)


def test_a_stream_without_a_length_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    io.write(path, noise(100_000), RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36-bit sample count of STREAMINFO
    data[22:26] = bytes(4)
    path.write_bytes(data)
    with AudioReader(path) as reader:
        assert reader.num_samples == 100_000
        assert reader.read(200_000).shape == (1, 100_000)


def test_a_wav_from_a_pipe_is_not_called_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    io.write(path, noise(1000), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    path.write_bytes(data)
    assert io.read(path)[0].shape == (1, 1000)


def without_its_end(folder: Path, suffix: str, seconds: float) -> Path:
    """About so many seconds of four are cut off, in bytes."""
    path = folder / f"a.{suffix}"
    soundfile.write(path, noise(4 * RATE)[0].numpy(), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * (1 - seconds / 4))])
    return path


def test_what_the_last_frames_of_an_mp3_lack_is_silence(tmp_path: Path) -> None:
    path = without_its_end(tmp_path, "mp3", 0.2)
    with AudioReader(path) as reader:
        blocks = [reader.read(1000) for _ in range(reader.num_samples // 1000 + 2)]
    wave = torch.cat(blocks, 1)
    assert wave.shape[1] == reader.num_samples >= 4 * RATE and blocks[-1].shape[1] == 0
    assert torch.equal(wave, io.read(path)[0])
    (sounding,) = wave[0].nonzero().T
    assert 0.05 * RATE < reader.num_samples - int(sounding[-1]) < 0.5 * RATE


@pytest.mark.parametrize("suffix, seconds", [("mp3", 0.8), ("flac", 0.1), ("wav", 0.001)])
def test_what_lacks_its_end_is_refused(suffix: str, seconds: float, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"truncated"):
        io.read(without_its_end(tmp_path, suffix, seconds))


def bad_file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.wav"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is a letter, not a sound\n" * 50)
    elif kind == "raw":
        path = folder / "a.raw"
        path.write_bytes(bytes(1000))
    elif kind == "zero":
        soundfile.write(path, np.zeros(0, np.float32), RATE)
    elif kind == "nan":
        wave = noise(2 * RATE)[0].numpy()
        wave[24000] = np.nan
        soundfile.write(path, wave, RATE, subtype="FLOAT")
    elif kind == "infinite":
        wave = noise(2 * RATE)[0].numpy()
        wave[-1] = -np.inf
        soundfile.write(path, wave, RATE, subtype="FLOAT")
    elif kind.startswith("truncated"):
        path = folder / f"a.{kind.split()[1]}"
        wave = noise(2 * RATE)[0].numpy()
        soundfile.write(path, wave, RATE)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    "kind, says",
    [
        ("missing", "No such file"),
        ("folder", "Is a directory"),
        ("empty", "is an empty file"),
        ("text", "is not a sound file"),
        ("raw", "is not a sound file"),
        ("zero", "holds no samples"),
        ("nan", "at 1.5000 s"),
        ("infinite", "at 1.9999 s"),
        ("truncated flac", "truncated"),
        ("truncated wav", "truncated"),
        ("truncated mp3", "truncated"),
    ],
)
def test_bad_input_is_one_plain_line(tmp_path: Path, kind: str, says: str) -> None:
    path = bad_file(tmp_path, kind)
    with pytest.raises(AudioError, match=says) as caught:
        io.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_forbidden_file(tmp_path: Path) -> None:
    io.write(tmp_path / "a.wav", noise(10), RATE)
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(AudioError, match="Permission denied"):
        io.read(tmp_path / "a.wav")


def test_a_refusing_system_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the test above where it runs as root."""

    def refuse(path: Path, mode: str = "r") -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"a\.wav: Permission denied"):
        AudioReader(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "A.WAV"])
def test_sixteen_bit_samples_survive_unchanged(tmp_path: Path, name: str) -> None:
    pcm = torch.arange(-32768, 32768)[None].to(torch.int16)
    write_blocks(tmp_path / name, [pcm[:, start : start + 10_000] / 32768 for start in range(0, 65536, 10_000)])
    wave, sample_rate = io.read(tmp_path / name)
    assert sample_rate == RATE
    assert torch.equal((wave * 32768).to(torch.int16), pcm)
    assert soundfile.info(tmp_path / name).subtype == "PCM_16"


def test_loud_values_are_clipped(tmp_path: Path) -> None:
    io.write(tmp_path / "a.wav", torch.tensor([[2.0, -3.0, 0.5]]), RATE)
    torch.testing.assert_close(io.read(tmp_path / "a.wav")[0], torch.tensor([[1.0, -1.0, 0.5]]), atol=1e-4, rtol=0)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    io.write(path, noise(100), RATE)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="NaN"):
        write_blocks(path, [noise(50), torch.full((1, 1), torch.nan)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_full_disk_is_one_plain_line(tmp_path: Path, name: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # a write beyond it fails as on a full disk
    try:
        with pytest.raises(AudioError, match="is the disk full") as caught:
            io.write(tmp_path / name, noise(100_000), RATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert name in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, wave, sample_rate, says",
    [
        ("a.mp3", noise(10), RATE, "ends in .wav or .flac"),
        ("none/a.wav", noise(10), RATE, "No such file"),
        ("a.flac", noise(10, num_channels=9), RATE, "9 channels"),
        ("a.wav", torch.tensor([[0.0, float("nan")]]), RATE, "NaN"),
        ("a.wav", torch.zeros(1, 2, 3), RATE, "expected a wave of shape"),
    ],
)
def test_bad_output_is_refused(tmp_path: Path, name: str, wave: torch.Tensor, sample_rate: int, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        io.write(tmp_path / name, wave, sample_rate)
    assert list(tmp_path.iterdir()) == []


def test_lists_files_folders_and_patterns(tmp_path: Path) -> None:
    for name in ["b.wav", "a.FLAC", "notes.txt", ".hidden.wav", "deep/er/c.mp3", "odd[1].wav"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    everything = [tmp_path / name for name in ["a.FLAC", "b.wav", "deep/er/c.mp3", "odd[1].wav"]]
    assert io.list_audio([tmp_path]) == everything
    assert io.list_audio([tmp_path / "*.wav"]) == [tmp_path / "b.wav", tmp_path / "odd[1].wav"]
    assert io.list_audio([str(tmp_path / "de*")]) == [tmp_path / "deep/er/c.mp3"]
    assert io.list_audio([tmp_path / "odd[1].wav"]) == [tmp_path / "odd[1].wav"]
    assert io.list_audio([tmp_path / "notes.txt", tmp_path / "b.wav"]) == [tmp_path / "notes.txt", tmp_path / "b.wav"]
    assert io.list_audio([tmp_path / "b.wav", tmp_path]) == [tmp_path / "b.wav", everything[0], *everything[2:]]


@pytest.mark.parametrize("name", ["nothing", "*.wav"])
def test_a_folder_or_pattern_with_no_sound_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(AudioError, match="holds no sound file"):
        io.list_audio([tmp_path / name])
