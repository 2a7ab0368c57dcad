"""Words of the command line, and what can be had where nothing is installed."""

from pathlib import Path

import pytest
import torch

from audiovq.pretrained import VOCODER, find, folder_hash
from recipes.benchmark import rivals, weights
from recipes.benchmark.__main__ import main
from recipes.benchmark.codec import NotAvailableError
from recipes.benchmark.ours import AudiovqCodec
from recipes.benchmark.synthetic import speech_like
from tests.recipes.benchmark.fake_programs import lay_down


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program on the PATH, no package of a rival."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(weights, "is_installed", lambda name: False)


@pytest.mark.usefixtures("nothing")
def test_what_is_missing_is_named_and_the_rest_goes_on() -> None:
    codecs, missing = rivals.make_all(rivals.default_words())
    assert list(codecs) == ["audiovq:speech-16k", "audiovq:speech-16k-hq", "pcm"]
    assert set(missing) == set(rivals.default_words()) - set(codecs)
    hints = {word: error.hint for word, error in missing.items()}
    assert hints["opus:6"] == "apt-get install opus-tools"
    assert hints["snac"] == hints["mimi:8"] == "pip install -c constraints.txt -e '.[rivals]'"
    assert all(error.reason for error in missing.values())


@pytest.mark.usefixtures("nothing")
def test_the_command_lists_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rivals"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(rivals.KINDS)
    assert "audiovq      ready" in lines
    assert "codec2       not here: the program c2enc is not on the PATH: apt-get install codec2" in lines
    assert "             setting: kbit/s; by default 16" in lines


def test_a_word_names_kind_and_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(tmp_path, monkeypatch, dict.fromkeys(("opusenc", "opusdec", "speexenc", "speexdec"), ""))
    assert rivals.make("opus").name == "Opus 6"
    assert rivals.make("opus:24").name == "Opus 24"
    assert rivals.make("speex:5").name == "Speex, quality 5"
    with pytest.raises(ValueError, match="no codec is called 'lyra'; there are audiovq, opus, opus-nolace"):
        rivals.make("lyra:6")
    with pytest.raises(ValueError, match="opus:6@here: opus takes no weights"):
        rivals.make("opus:6@here")


def test_a_model_of_ours_counts_codes_and_file() -> None:
    codec = AudiovqCodec("speech-16k")
    wave = speech_like(0.8, 16_000)
    encoded = codec.encode(wave)
    # 10, 20 and 40 frames of 12.5, 25 and 50 a second, with codebooks of 1024, 2048 and 8192 entries
    assert encoded.payload_bits == 10 * 10 + 20 * 11 + 40 * 13
    assert encoded.file_bits == 8 * len(encoded.content.to_bytes())
    assert codec.decode(encoded).shape == wave.shape
    assert codec.name == "audiovq speech-16k, vocoder-16k"
    assert codec.identity == f"{folder_hash(find('speech-16k'))} with {folder_hash(find('vocoder-16k', VOCODER))}"


def test_recordings_are_their_own_codec() -> None:
    codec, wave = rivals.make("pcm"), speech_like(0.1, 16_000)
    assert codec.encode(wave).payload_bits == 16 * 1_600
    assert torch.equal(codec.decode(codec.encode(wave)), wave)
    assert (codec.sample_rate, rivals.make("pcm:32000").sample_rate) == (16_000, 32_000)


def test_a_model_that_is_not_there_is_not_available(tmp_path: Path) -> None:
    with pytest.raises(NotAvailableError, match=r"`audiovq models` lists those that ship"):
        rivals.make(f"audiovq:{tmp_path / 'model'}")
