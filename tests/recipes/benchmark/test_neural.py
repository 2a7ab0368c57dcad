"""Networks of others: that they are the published ones, what bits are counted, and whose weights they have."""

from pathlib import Path
from typing import Any

import pytest
import torch

from recipes.benchmark import weights
from recipes.benchmark.codec import Codec, NotAvailableError
from recipes.benchmark.neural import EncodecCodec
from recipes.benchmark.rivals import lacks_weights, make
from recipes.benchmark.synthetic import speech_like


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that holds nothing, whatever this machine's does."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def bits_and_length(codec: Codec, seconds: float) -> tuple[int, int]:
    encoded = codec.encode(speech_like(seconds, codec.sample_rate))
    assert encoded.file_bits is None
    wave = codec.decode(encoded)
    assert wave.shape[0] == 1
    return encoded.payload_bits, wave.shape[1]


@pytest.mark.parametrize(
    "word, sample_rate, millions, bits, num_samples",
    [
        ("encodec:6", 24_000, 14.9, 8 * 10 * 15, 4_800),  # 8 codebooks of 1024, 75 frames a second
        ("dac:12", 16_000, 74.1, 12 * 10 * 10, 3_200 - 8),  # 12 of 1024, 50 a second; it loses some samples
        ("mimi:8", 24_000, 79.3, 8 * 11 * 3, 3 * 1_920),  # 8 of 2048, 12.5 a second
        ("snac", 24_000, 19.8, 12 * (3 + 6 + 12), 12 * 512),  # of 4096: 11.7, 23.4, 46.9 a second
        ("vocos", 24_000, 13.5, 32 * 100 * 19, 18 * 256),  # 100 mels as floats, 93.75 a second
    ],
)
def test_rivals_are_the_published_networks(
    word: str, sample_rate: int, millions: float, bits: int, num_samples: int
) -> None:
    codec = make(word)
    assert codec.sample_rate == sample_rate
    assert codec.num_parameters == pytest.approx(1e6 * millions, rel=0.01)
    assert (codec.trained, codec.identity) == (False, "random weights")
    assert codec.name.endswith("(random weights)")
    assert bits_and_length(codec, 0.2) == (bits, num_samples)


def test_random_weights_are_the_same_ones_and_leave_the_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = (EncodecCodec("6") for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    wave = speech_like(0.1, 24_000)
    assert torch.equal(first.decode(first.encode(wave)), second.decode(second.encode(wave)))


def test_weights_in_a_folder_are_taken(tmp_path: Path) -> None:
    from transformers import EncodecConfig, EncodecModel

    model = EncodecModel(EncodecConfig(num_filters=2, hidden_size=4, codebook_dim=4))
    model.train(False)
    model.save_pretrained(tmp_path / "weights")
    codec = make(f"encodec:3@{tmp_path / 'weights'}")
    assert codec.trained
    assert not lacks_weights(f"encodec:3@{tmp_path / 'weights'}")
    assert lacks_weights("encodec:3")
    assert codec.name == "EnCodec 24 kHz, 3 kbit/s"
    assert codec.identity == str(tmp_path / "weights")
    wave = speech_like(0.2, 24_000)
    with torch.inference_mode():
        codes: Any = model.encode(wave[None], bandwidth=3.0)
    assert torch.equal(codec.encode(wave).content.audio_codes, codes.audio_codes)
    with pytest.raises(
        NotAvailableError, match="nowhere is not a folder: expected one that holds the files of facebook"
    ):
        make(f"encodec:3@{tmp_path / 'nowhere'}")


def test_weights_in_the_cache_are_taken_and_none_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.find_weights("someone/some-codec", None) is None
    snapshot = tmp_path / "hub" / "models--someone--some-codec" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    assert weights.find_weights("someone/some-codec", None) == str(snapshot)


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "is_installed", lambda name: name != "snac")
    with pytest.raises(NotAvailableError, match=r"the package snac is not installed: pip install .*\[rivals\]"):
        make("snac")
