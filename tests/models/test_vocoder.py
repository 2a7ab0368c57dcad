"""The vocoder: lengths, padding, context, and that all of it learns."""

import dataclasses

import pytest
import torch

from audiovq.audio.mel import LogMelConfig
from audiovq.audio.unfold import Unfold
from audiovq.build import config_from_dict, config_to_dict
from audiovq.models.vocoder import Vocoder, VocoderConfig

MEL = LogMelConfig(sample_rate=800, n_fft=32, hop_length=8, num_mels=6, fmax=400.0)
CONFIG = VocoderConfig(mel=MEL, width=16, kernel_size=3, expansion=2, num_blocks=2)


def vocoder(head: str = "istft") -> Vocoder:
    """Untrained, always the same, with residual branches large enough to matter."""
    torch.manual_seed(0)
    made = Vocoder(dataclasses.replace(CONFIG, head=head))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "project.weight" in name:
                parameter.mul_(5)
            if "log_gain.weight" in name:
                parameter.normal_(std=0.2)
    return made.eval()


heads = pytest.mark.parametrize("head", ["istft", "magnitude"])


def mels(num_frames: int, batch: int = 1) -> torch.Tensor:
    return -6 + 3 * torch.randn(batch, 6, num_frames)


@pytest.mark.parametrize("num_frames", [1, 2, 17])
def test_every_frame_becomes_its_hop(num_frames: int) -> None:
    wave = vocoder()(mels(num_frames, batch=2))
    assert wave.shape == (2, 1, num_frames * 8) and wave.isfinite().all() and wave.any()


@pytest.mark.parametrize("num_frames", [1, 17])
def test_every_frame_becomes_its_magnitudes(num_frames: int) -> None:
    magnitudes = vocoder("magnitude")(mels(num_frames, batch=2))
    assert magnitudes.shape == (2, 17, num_frames) and magnitudes.isfinite().all() and (magnitudes >= 0).all()


def test_magnitudes_begin_as_unfolded_mels() -> None:
    mel = mels(9)
    made = Vocoder(dataclasses.replace(CONFIG, head="magnitude"))(mel)
    torch.testing.assert_close(made, Unfold(MEL)(mel.exp().transpose(1, 2)).transpose(1, 2))


@heads
def test_a_padded_item_sounds_as_alone(head: str) -> None:
    model, lengths = vocoder(head), [3, 20, 1]
    unit = 8 if head == "istft" else 1
    batch = mels(20, batch=3)
    mask = (torch.arange(20) < torch.tensor(lengths)[:, None])[:, None].float()
    together = model(batch, mask)
    for item, length in enumerate(lengths):
        alone = model(batch[item : item + 1, :, :length])
        torch.testing.assert_close(together[item : item + 1, :, : length * unit], alone, atol=1e-5, rtol=1e-5)


@heads
@torch.no_grad()
def test_the_stated_context_is_enough_and_far_less_is_not(head: str) -> None:
    model, mel, unit = vocoder(head), mels(40), 8 if head == "istft" else 1
    whole = model(mel)[..., 20 * unit : 22 * unit]
    apart = []
    for context in (model.context, model.context - 3):
        inside = model(mel[..., 20 - context : 22 + context])[..., context * unit : (context + 2) * unit]
        apart.append(float((inside - whole).abs().max()))
    assert apart[0] < 1e-5 < apart[1]


def test_mels_are_read_in_the_units_of_the_configuration() -> None:
    model, mel = vocoder(), mels(9)
    other = Vocoder(dataclasses.replace(CONFIG, mel_mean=1.0, mel_scale=0.5))
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other((mel + 6) / 3 * 0.5 + 1.0), model(mel), atol=1e-4, rtol=1e-4)


@heads
def test_every_parameter_learns(head: str) -> None:
    model = vocoder(head)
    model(mels(9)).square().mean().backward()
    assert not [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]


def test_its_configuration_survives_json_shapes() -> None:
    assert config_from_dict(VocoderConfig, config_to_dict(CONFIG)) == CONFIG
