"""The EMA codebook against loops written by hand and against the reference implementation."""

import pytest
import torch
from torch.nn import functional as F
from vector_quantize_pytorch import VectorQuantize

from audiovq.quantize import EMACodebook, QuantizerConfig
from audiovq.quantize.ema import RESTART_EVERY
from audiovq.quantize.kmeans import spherical_kmeans

WIDTH, SIZE, DIM = 6, 16, 4


def make(**changes: float) -> EMACodebook:
    torch.manual_seed(0)
    config = QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM, **changes)  # type: ignore[arg-type]
    quantizer = EMACodebook(config, WIDTH)
    quantizer.start(torch.randn(200, WIDTH))
    return quantizer


def units(quantizer: EMACodebook, latent: torch.Tensor) -> torch.Tensor:
    return F.normalize(quantizer.project_in(latent.transpose(1, 2)), dim=-1).detach()


def test_codes_are_the_nearest_entries() -> None:
    quantizer = make().eval()
    latent = torch.randn(2, WIDTH, 30)
    distances = torch.cdist(units(quantizer, latent).flatten(0, 1), quantizer.codebook)
    assert torch.equal(quantizer(latent).codes.flatten(), distances.argmin(dim=1))


def test_codes_equal_the_reference() -> None:
    quantizer = make().eval()
    reference = VectorQuantize(dim=DIM, codebook_size=SIZE, use_cosine_sim=True).eval()
    reference._codebook.embed.copy_(quantizer.codebook[None])
    latent = torch.randn(2, WIDTH, 30)
    assert torch.equal(quantizer(latent).codes[:, 0], reference(units(quantizer, latent))[1])


def test_averages_follow_a_loop() -> None:
    quantizer = make(decay=0.9).train()
    count, total = quantizer.ema_count.clone(), quantizer.ema_sum.clone()
    for _ in range(3):
        latent = torch.randn(2, WIDTH, 20)
        points = units(quantizer, latent).flatten(0, 1)
        codes = quantizer(latent).codes.flatten()
        for entry in range(SIZE):
            chosen = points[codes == entry]
            count[entry] = 0.9 * count[entry] + 0.1 * len(chosen)
            total[entry] = 0.9 * total[entry] + 0.1 * chosen.sum(0)
    torch.testing.assert_close(quantizer.ema_count, count)
    torch.testing.assert_close(quantizer.ema_sum, total)
    torch.testing.assert_close(quantizer.codebook, F.normalize(total, dim=1))


def test_masked_frames_leave_no_trace() -> None:
    latent = torch.randn(1, WIDTH, 20)
    padded = F.pad(latent, (0, 7), value=5.0)
    mask = F.pad(torch.ones(1, 1, 20), (0, 7))
    alone, in_batch = make().train(), make().train()
    results = alone(latent), in_batch(padded, mask)
    assert torch.equal(results[0].codes, results[1].codes[..., :20])
    torch.testing.assert_close(results[0].commitment_loss, results[1].commitment_loss)
    torch.testing.assert_close(alone.codebook, in_batch.codebook)


def test_a_dead_entry_restarts_with_its_running_state() -> None:
    quantizer = make(restart_share=0.5).train()
    quantizer.ema_count[3] = 0.0
    before = quantizer.codebook[3].clone()
    quantizer.steps_to_restart.fill_(1)
    latent = torch.randn(1, WIDTH, 50)
    candidates = units(quantizer, latent)[0]
    quantizer(latent)
    assert quantizer.ema_count[3] > 0.5 * quantizer.ema_count.mean()
    assert not torch.allclose(quantizer.codebook[3], before)
    assert (candidates @ quantizer.codebook[3]).max() > 1 - 1e-5
    assert int(quantizer.steps_to_restart) == RESTART_EVERY


def test_restarts_raise_the_usage_of_a_collapsed_codebook() -> None:
    quantizer = make(restart_share=0.5, decay=0.5).train()
    quantizer.ema_sum.copy_(F.normalize(torch.ones(SIZE, DIM) + 1e-3 * torch.randn(SIZE, DIM), dim=1))
    quantizer.codebook.copy_(quantizer.ema_sum)
    latent = 0.1 * torch.randn(4, WIDTH, 200) + torch.randn(WIDTH, 1)
    used = len(quantizer(latent).codes.unique())
    for _ in range(5 * RESTART_EVERY):
        quantizer(latent)
    assert used < SIZE / 2
    assert len(quantizer(latent).codes.unique()) == SIZE


def test_before_the_start_latents_pass_unquantised() -> None:
    quantizer = EMACodebook(QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM), WIDTH).train()
    latent = torch.randn(1, WIDTH, 9)
    expected = quantizer.project_out(units(quantizer, latent)).transpose(1, 2)
    torch.testing.assert_close(quantizer(latent).latent, expected)
    quantizer.start(torch.randn(100, WIDTH))
    assert not torch.allclose(quantizer(latent).latent, expected)


def test_decoding_codes_gives_the_quantised_latent() -> None:
    quantizer = make().eval()
    result = quantizer(torch.randn(2, WIDTH, 12))
    torch.testing.assert_close(quantizer.decode(result.codes), result.latent)


def test_commitment_pulls_the_latent_to_its_entry() -> None:
    quantizer = make().eval()
    latent = torch.randn(1, WIDTH, 8)
    result = quantizer(latent)
    expected = (units(quantizer, latent) - quantizer.codebook[result.codes[:, 0]]).square().sum(-1).mean()
    torch.testing.assert_close(result.commitment_loss.detach(), expected)


def test_kmeans_finds_separate_clusters() -> None:
    torch.manual_seed(0)
    centres = torch.eye(DIM)
    points = F.normalize(centres.repeat_interleave(50, dim=0) + 0.05 * torch.randn(4 * 50, DIM), dim=1)
    found = spherical_kmeans(points, 4)
    assert ((found @ centres.T).amax(dim=0) > 0.99).all()


def test_kmeans_wants_enough_points() -> None:
    with pytest.raises(ValueError, match="3 latents cannot start 4 codebook entries"):
        spherical_kmeans(torch.randn(3, DIM), 4)


def test_state_is_all_in_buffers() -> None:
    quantizer = make().train()
    quantizer(torch.randn(1, WIDTH, 30))
    copy = EMACodebook(QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM), WIDTH).train()
    copy.load_state_dict(quantizer.state_dict())
    latent = torch.randn(1, WIDTH, 30)
    for module in (quantizer, copy):
        torch.manual_seed(5)
        module(latent)
    copied = copy.state_dict()
    assert all(torch.equal(value, copied[name]) for name, value in quantizer.state_dict().items())
