"""Vocoders and tokenizers in folders, and what of a configuration goes into the hash of codes."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from audiovq.models import VQVAE
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import (
    ModelError,
    bundled,
    codes_hash,
    load_vocoder,
    models,
    read_card,
    read_kind,
    save_model,
    save_vocoder,
    vocoders,
)
from tests.models import tiny


def vocoder() -> Vocoder:
    torch.manual_seed(0)
    return Vocoder(VocoderConfig(mel=tiny.MEL, width=16, kernel_size=3, expansion=2, num_blocks=1))


def test_a_vocoder_comes_back_in_half_precision(tmp_path: Path) -> None:
    made = vocoder()
    save_vocoder(tmp_path / "v", made, "voc", "CC0-1.0")
    random_state = torch.get_rng_state()
    loaded, card = load_vocoder(tmp_path / "v")
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not loaded.training and loaded.config == card.config == made.config
    assert (card.name, card.licence) == ("voc", "CC0-1.0")
    assert card.num_parameters == sum(parameter.numel() for parameter in made.parameters())
    for name, tensor in made.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().float())


def test_a_folder_says_its_kind_and_a_tokenizer_need_not(tmp_path: Path) -> None:
    save_vocoder(tmp_path / "v", vocoder(), "voc", "CC0-1.0")
    save_model(tmp_path / "t", tiny.model(), "tiny", "CC0-1.0")
    assert json.loads((tmp_path / "v/config.json").read_text())["kind"] == "vocoder"
    assert "kind" not in json.loads((tmp_path / "t/config.json").read_text())
    assert (read_kind(tmp_path / "v"), read_kind(tmp_path / "t")) == ("vocoder", "tokenizer")
    card = tmp_path / "t/config.json"
    card.write_text(card.read_text().replace("{", '{"kind": "tokenizer",', 1))
    assert read_card(tmp_path / "t").name == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"kind": "vocoder"', '"kind": "score"', "has kind 'score', this audiovq reads tokenizer, vocoder, prior"),
        ('"kind": "vocoder",', "", "v holds a tokenizer, expected a vocoder"),
        ('"num_blocks"', '"num_block"', "VocoderConfig has no field num_block"),
        ('"floor"', '"flor"', "VocoderConfig.mel has no field flor"),
        ('"silence"', '"echo"', "padding must be one of silence, reflect, reflect_center, got 'echo'"),
        ('"width": 16', '"width": 18', "does not fit its config.json"),
        ('"format_version": 1', '"format_version": 2', "has format version 2"),
    ],
)
def test_broken_vocoders_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    save_vocoder(tmp_path / "v", vocoder(), "voc", "CC0-1.0")
    card = tmp_path / "v/config.json"
    text = card.read_text()
    assert old in text
    card.write_text(text.replace(old, new, 1))
    with pytest.raises(ModelError, match=message):
        load_vocoder(tmp_path / "v")


def test_each_kind_has_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "BUNDLED", tmp_path)
    assert models() == [] and vocoders() == []
    save_vocoder(tmp_path / "v", vocoder(), "voc", "CC0-1.0")
    save_model(tmp_path / "t", tiny.model(), "tiny", "CC0-1.0")
    (tokenizer,), (listed,) = models(), vocoders()
    assert tokenizer.name == "tiny" and tokenizer.bits_per_second == 550
    assert (listed.name, listed.sample_rate, listed.frame_rate, listed.num_mels) == ("voc", 800, Fraction(100), 6)
    assert listed.size_bytes == sum(path.stat().st_size for path in (tmp_path / "v").iterdir())
    assert listed.path == tmp_path / "v"


def test_mel_conventions_are_in_the_hash_only_where_they_are_not_the_first_ones() -> None:
    # Made before LogMelConfig had conventions: a change means that codes which people have written are refused.
    torch.manual_seed(0)
    model = tiny.model()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.zero_()
    assert codes_hash(model) == "4c070fb7e619dfb0"
    for change in ({"filter_scale": "htk"}, {"filter_norm": "none"}, {"power_offset": 1e-9}):
        other = VQVAE(dataclasses.replace(model.config, mel=dataclasses.replace(tiny.MEL, **change)))
        other.load_state_dict(model.state_dict())
        assert codes_hash(other) != codes_hash(model)
