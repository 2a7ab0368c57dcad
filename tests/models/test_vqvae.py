"""The hierarchy: lengths, masks, context, prefixes, gradients, and what each of its forms may see."""

import dataclasses

import pytest
import torch

from audiovq.build import CLASSES, build, config_from_dict, config_to_dict
from audiovq.models import VQVAE, VQVAEConfig
from audiovq.nn.mask import FrameMask
from tests.models import tiny

HOP = 64
variants = pytest.mark.parametrize("variant", tiny.VARIANTS, ids="-".join)
Variant = tuple[str, str, str, str]


def per_frame(model: VQVAE) -> int:
    """Output samples or mel frames in one coarsest frame."""
    return HOP if model.config.head != "mel" else HOP // model.config.mel.hop_length


@variants
def test_shapes(variant: Variant) -> None:
    model = tiny.model(*variant)
    wave = torch.randn(2, 1, 5 * HOP)
    codes = model.encode(model.features(wave))
    assert [tuple(level.shape) for level in codes] == [(2, 1, 5), (2, 1, 10), (2, 2, 20)]
    output = model.decode(codes)
    assert output.shape == (2, 6 if model.config.head == "mel" else 1, 5 * per_frame(model))


@variants
def test_forward_is_encode_then_decode(variant: Variant) -> None:
    model = tiny.model(*variant)
    wave = torch.randn(2, 1, 5 * HOP)
    result = model(wave)
    codes = model.encode(model.features(wave))
    assert all(torch.equal(level.codes, alone) for level, alone in zip(result.quantized, codes, strict=True))
    torch.testing.assert_close(result.output, model.decode(codes))


@variants
def test_a_padded_item_is_coded_and_decoded_as_alone(variant: Variant) -> None:
    model = tiny.model(*variant)
    lengths = torch.tensor([3, 9, 1])
    waves = torch.randn(3, 1, 9 * HOP)
    mask = FrameMask.from_lengths(lengths, 9)
    waves = waves * mask.at(HOP)
    # What lies in the padding must not matter for codes: a mel frame of the padding sees the item's last samples.
    batch = model.encode(model.features(waves), mask)
    outputs = model.decode(batch, mask)
    for item, length in enumerate(lengths.tolist()):
        alone = model.encode(model.features(waves[item : item + 1, :, : length * HOP]))
        for level, codes in enumerate(alone):
            assert torch.equal(batch[level][item, :, : codes.shape[-1]], codes[0])
        expected = model.decode(alone)
        torch.testing.assert_close(outputs[item : item + 1, :, : expected.shape[-1]], expected, atol=1e-5, rtol=1e-5)


@variants
def test_the_stated_context_is_enough(variant: Variant) -> None:
    model = tiny.model(*variant)
    length = 2 * max(model.encode_context, model.decode_context) + 6
    wave = torch.randn(1, 1, length * HOP)
    whole = model.encode(model.features(wave))
    context = model.encode_context
    inner = model.encode(model.features(wave[..., (length // 2 - context) * HOP : (length // 2 + 2 + context) * HOP]))
    for level, factor in enumerate((1, 2, 4)):
        start, stop = context * factor, (context + 2) * factor
        expected = whole[level][..., length // 2 * factor : (length // 2 + 2) * factor]
        assert torch.equal(inner[level][..., start:stop], expected)
    context = model.decode_context
    cut = [
        codes[..., (length // 2 - context) * factor : (length // 2 + 2 + context) * factor]
        for codes, factor in zip(whole, (1, 2, 4), strict=True)
    ]
    unit = per_frame(model)
    inside = model.decode(cut)[..., context * unit : (context + 2) * unit]
    expected = model.decode(whole)[..., length // 2 * unit : (length // 2 + 2) * unit]
    torch.testing.assert_close(inside, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("front", ["mel", "wave"])
def test_the_stated_context_is_not_far_too_large(front: str) -> None:
    """A sample further away than the context changes nothing; some sample within two frames of it does."""
    model = tiny.model(front)
    for parameter in model.parameters():
        parameter.data.abs_()  # nothing cancels
    context = model.encode_context
    length = 2 * context + 1
    features = model.features(torch.randn(1, 1, length * HOP)).requires_grad_()
    latents, _ = model.hierarchy(model.encoder(features))
    (gradient,) = torch.autograd.grad(
        sum(level[..., context * 2**i].sum() for i, level in enumerate(latents)), features
    )
    reached = gradient.abs().sum(dim=(0, 1)).nonzero()[:, 0]
    unit = HOP // model.config.input_hop_length
    assert 0 <= int(reached[0]) // unit <= 2
    assert int(reached[-1]) // unit <= length - 1


@variants
def test_prefixes_decode_and_ignore_finer_levels(variant: Variant) -> None:
    model = tiny.model(*variant)
    codes = model.encode(model.features(torch.randn(1, 1, 5 * HOP)))
    outputs = [model.decode(codes[: level + 1]) for level in range(3)]
    assert len({tuple(output.shape) for output in outputs}) == 1
    assert not torch.allclose(outputs[0], outputs[1]) and not torch.allclose(outputs[1], outputs[2])
    latents = model.hierarchy.decode(codes)
    latents[2] = latents[2] + 100.0
    kept_two = model.decoder(latents, torch.tensor([2]))
    torch.testing.assert_close(model._from_network(kept_two), outputs[1])


def test_prefixes_differ_by_item() -> None:
    model = tiny.model()
    wave = torch.randn(2, 1, 5 * HOP)
    together = model(wave, keep=torch.tensor([1, 3])).output
    codes = model.encode(model.features(wave))
    torch.testing.assert_close(together[:1], model.decode([codes[0][:1]]))
    torch.testing.assert_close(together[1:], model.decode([level[1:] for level in codes]))


def dependence(hierarchy: str) -> list[bool]:
    """Whether each level's latents change when the coarsest codebook is replaced."""
    model = tiny.model("mel", hierarchy)
    features = model.encoder(model.features(torch.randn(1, 1, 5 * HOP)))
    before, _ = model.hierarchy(features)
    with torch.no_grad():
        model.get_parameter("hierarchy.quantizers.0.project_out.weight").mul_(-1)
    after, _ = model.hierarchy(features)
    return [not torch.allclose(a, b) for a, b in zip(before, after, strict=True)]


def test_finer_levels_see_coarser_codes_where_the_form_says_so() -> None:
    assert dependence("conditional") == [False, True, True]
    assert dependence("residual") == [False, True, True]
    assert dependence("parallel") == [False, False, False]
    assert dependence("independent") == [False, False, False]


def test_the_independent_form_reads_its_finest_level_alone() -> None:
    model = tiny.model("mel", "independent")
    codes = model.encode(model.features(torch.randn(1, 1, 5 * HOP)))
    other = [(codes[0] + 1) % 16, (codes[1] + 1) % 16, codes[2]]
    assert torch.equal(model.decode(codes), model.decode(other))


def test_the_parallel_form_reads_all_levels() -> None:
    model = tiny.model("mel", "parallel")
    codes = model.encode(model.features(torch.randn(1, 1, 5 * HOP)))
    for level in range(3):
        other = [(row + 1) % 16 if each == level else row for each, row in enumerate(codes)]
        assert not torch.allclose(model.decode(codes), model.decode(other))


def test_residual_levels_explain_the_mean_of_what_is_left() -> None:
    model = tiny.model("mel", "residual")
    features = model.encoder(model.features(torch.randn(1, 1, 5 * HOP)))
    latents, quantized = model.hierarchy(features)
    torch.testing.assert_close(latents[0], features[-1].unflatten(-1, (-1, 4)).mean(-1))
    left = features[-1] - quantized[0].latent.repeat_interleave(4, dim=-1)
    torch.testing.assert_close(latents[1], left.unflatten(-1, (-1, 2)).mean(-1))


@variants
def test_every_parameter_learns(variant: Variant) -> None:
    model = tiny.model(*variant).train()
    for quantizer in model.hierarchy.quantizers:
        quantizer.start(torch.randn(100, 16))
    result = model(torch.randn(4, 1, 5 * HOP), keep=torch.tensor([1, 2, 3, 3]))
    (result.output.square().mean() + sum(level.commitment_loss for level in result.quantized)).backward()
    still = {name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()}
    assert not {name for name in still if "missing" not in name}


def test_normalisation_goes_there_and_back() -> None:
    model = tiny.model()
    mel = torch.randn(1, 6, 4)
    torch.testing.assert_close(model._from_network(model.normalise(mel)), mel)


def test_a_mask_is_read_at_every_rate() -> None:
    mask = FrameMask.from_lengths(torch.tensor([1, 3]), 3)
    assert mask.at(2).tolist() == [[[1, 1, 0, 0, 0, 0]], [[1, 1, 1, 1, 1, 1]]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frontend": "mels"}, "frontend is 'mels', expected one of mel, wave"),
        ({"hierarchy": "flat"}, "hierarchy is 'flat'"),
        ({"level_strides": [2]}, "3 levels need 2 level_strides"),
        ({"head_strides": [4]}, "give a mel frame every 4 samples, expected the mel hop 8"),
        ({"head": "transposed"}, "head_strides must multiply to the finest hop 16, got 2"),
    ],
)
def test_contradictions_are_errors(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(tiny.config(), **change)  # type: ignore[arg-type]


def test_configurations_survive_json_shapes() -> None:
    config = tiny.config("wave", "residual", kind="fsq")
    assert config_from_dict(VQVAEConfig, config_to_dict(config)) == config


def test_a_misspelt_key_is_an_error() -> None:
    values = config_to_dict(tiny.config())
    values["levels"][1]["encoder_block"] = 2
    with pytest.raises(ValueError, match=r"VQVAEConfig\.levels\[1\] has no field encoder_block; its fields are encod"):
        config_from_dict(VQVAEConfig, values)


def test_a_wrong_type_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"VQVAEConfig\.width is '16', expected int"):
        config_from_dict(VQVAEConfig, {"width": "16"})


def test_build_uses_the_table() -> None:
    assert isinstance(build(tiny.config()), CLASSES[VQVAEConfig])
    with pytest.raises(TypeError, match="nothing is built from a int"):
        build(3)
