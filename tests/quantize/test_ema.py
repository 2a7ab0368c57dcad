"""The EMA codebook against loops written by hand and against the reference implementation."""

import pytest
import torch
from torch.nn import functional as F
from vector_quantize_pytorch import VectorQuantize

from audiovq.quantize import EMACodebook, QuantizerConfig
from audiovq.quantize.ema import RESTART_EVERY
from audiovq.quantize.kmeans import evenly_spaced, spherical_kmeans
from audiovq.quantize.sums import counts_and_sums, sum_by_code

WIDTH, SIZE, DIM = 6, 16, 4
State = dict[str, torch.Tensor]


def make(**changes: float) -> EMACodebook:
    torch.manual_seed(0)
    config = QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM, **changes)  # type: ignore[arg-type]
    quantizer = EMACodebook(config, WIDTH)
    quantizer.start(torch.randn(200, WIDTH))
    return quantizer


def units(quantizer: EMACodebook, latent: torch.Tensor) -> torch.Tensor:
    return F.normalize(quantizer.project_in(latent.transpose(1, 2)), dim=-1).detach()


def state(quantizer: EMACodebook) -> State:
    return {name: value.clone() for name, value in quantizer.state_dict().items()}


def differing(before: State, after: State) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


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
        quantizer.update()
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
    alone.update()
    in_batch.update()
    torch.testing.assert_close(alone.codebook, in_batch.codebook)


def test_forward_changes_nothing_until_the_update() -> None:
    quantizer = make().train()
    before = state(quantizer)
    quantizer(torch.randn(1, WIDTH, 30))
    assert differing(before, state(quantizer)) == set()
    quantizer.update()
    assert differing(before, state(quantizer)) == {"codebook", "ema_count", "ema_sum", "steps_to_restart"}


def test_an_update_forgets_what_it_applied_and_without_data_changes_nothing() -> None:
    quantizer = make().train()
    quantizer(torch.randn(1, WIDTH, 30))
    quantizer.update()
    before = state(quantizer)
    quantizer.update()
    quantizer(torch.randn(1, WIDTH, 30), torch.zeros(1, 1, 30))
    quantizer.update()
    quantizer.eval()(torch.randn(1, WIDTH, 30))
    quantizer.update()
    assert differing(before, state(quantizer)) == set()


@pytest.mark.parametrize("steps_to_restart", [1, RESTART_EVERY])
def test_what_is_discarded_is_never_applied(steps_to_restart: int) -> None:
    tried, plain = (make(restart_share=0.8, decay=0.5).train() for _ in range(2))
    for quantizer in (tried, plain):
        quantizer.steps_to_restart.fill_(steps_to_restart)
    tried(torch.randn(1, WIDTH, 30))
    tried.discard()
    latent = torch.randn(1, WIDTH, 30)
    for quantizer in (tried, plain):
        quantizer(latent)
        quantizer.update()
    assert differing(state(tried), state(plain)) == set()


@pytest.mark.parametrize("steps_to_restart", [1, RESTART_EVERY])
def test_several_forwards_then_an_update_are_one_forward_of_all(steps_to_restart: int) -> None:
    parts, whole = (make(restart_share=0.8, decay=0.5).train() for _ in range(2))
    latents = [torch.randn(1, WIDTH, length) for length in (40, 3, 17)]
    for quantizer, batches in ((parts, latents), (whole, [torch.cat(latents, dim=2)])):
        quantizer.steps_to_restart.fill_(steps_to_restart)
        for latent in batches:
            quantizer(latent)
        quantizer.update()
    for name, value in state(whole).items():
        torch.testing.assert_close(parts.state_dict()[name], value, msg=name)


def test_nothing_valid_costs_nothing_and_has_finite_gradients() -> None:
    latent = torch.randn(1, WIDTH, 9, requires_grad=True)
    loss = make().train()(latent, torch.zeros(1, 1, 9)).commitment_loss
    loss.backward()
    assert loss == 0 and latent.grad is not None and not latent.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(dtype: torch.dtype) -> None:
    latents = torch.randn(100, WIDTH).to(dtype)
    plain, cast = make().train(), make().train()
    plain.start(latents.float())
    expected = plain(latents.T[None].float())
    plain.update()
    with torch.autocast("cpu", dtype=dtype):
        cast.start(latents)
        result = cast(latents.T[None])
        cast.update()
    for name in ("latent", "codes", "commitment_loss"):
        torch.testing.assert_close(getattr(result, name), getattr(expected, name), rtol=0, atol=0)
    assert differing(state(plain), state(cast)) == set()


def test_a_dead_entry_restarts_with_its_running_state() -> None:
    quantizer = make(restart_share=0.5).train()
    quantizer.ema_count[3] = 0.0
    before = quantizer.codebook[3].clone()
    quantizer.steps_to_restart.fill_(1)
    latent = torch.randn(1, WIDTH, 50)
    candidates = units(quantizer, latent)[0]
    quantizer(latent)
    quantizer.update()
    assert quantizer.ema_count[3] > 0.5 * quantizer.ema_count.mean()
    assert not torch.allclose(quantizer.codebook[3], before)
    assert (candidates @ quantizer.codebook[3]).max() > 1 - 1e-5
    assert int(quantizer.steps_to_restart) == RESTART_EVERY


def test_dead_entries_look_for_life_once_in_a_while() -> None:
    quantizer = make(restart_share=0.5, decay=0.99).train()
    alive = []
    for _ in range(2 * RESTART_EVERY):
        quantizer.ema_count[3] = 0.0
        quantizer(torch.randn(1, WIDTH, 50))
        quantizer.update()
        alive.append(bool(quantizer.ema_count[3] > 0.5 * quantizer.ema_count.mean()))
    assert [step for step, restarted in enumerate(alive, start=1) if restarted] == [RESTART_EVERY, 2 * RESTART_EVERY]


@pytest.mark.parametrize(("num_latents", "restarted"), [(50, SIZE - 1), (SIZE - 1, SIZE - 1), (5, 5)])
def test_dead_entries_take_different_latents_while_there_are_any(num_latents: int, restarted: int) -> None:
    quantizer = make(restart_share=0.5, decay=0.999).train()
    quantizer.ema_count.zero_()[0] = 1000.0
    quantizer.steps_to_restart.fill_(1)
    latent = torch.randn(1, WIDTH, num_latents)
    quantizer(latent)
    quantizer.update()
    taken = (quantizer.codebook @ units(quantizer, latent)[0].T > 1 - 1e-5).nonzero()
    assert len(taken) == restarted
    assert len(taken[:, 0].unique()) == len(taken[:, 1].unique()) == restarted
    assert quantizer.codebook.isfinite().all()


def test_restarts_raise_the_usage_of_a_collapsed_codebook() -> None:
    quantizer = make(restart_share=0.5, decay=0.5).train()
    quantizer.ema_sum.copy_(F.normalize(torch.ones(SIZE, DIM) + 1e-3 * torch.randn(SIZE, DIM), dim=1))
    quantizer.codebook.copy_(quantizer.ema_sum)
    latent = 0.1 * torch.randn(4, WIDTH, 200) + torch.randn(WIDTH, 1)
    used = len(quantizer(latent).codes.unique())
    for _ in range(5 * RESTART_EVERY):
        quantizer(latent)
        quantizer.update()
    assert used < SIZE / 2
    assert len(quantizer(latent).codes.unique()) == SIZE


def test_before_the_start_latents_pass_unquantised() -> None:
    quantizer = EMACodebook(QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM), WIDTH).train()
    latent = torch.randn(1, WIDTH, 9)
    assert torch.equal(quantizer(latent).latent, latent)
    before = state(quantizer)
    quantizer.update()
    assert differing(before, state(quantizer)) == set()
    quantizer.start(torch.randn(100, WIDTH))
    assert not torch.allclose(quantizer(latent).latent, latent)


def test_it_starts_with_the_directions_and_sizes_of_the_latents() -> None:
    """Latents of a plane, near and far from its middle, come back nearly as they were from as many entries."""
    quantizer = EMACodebook(QuantizerConfig(codebook_size=256, codebook_dim=3), WIDTH).eval()
    plane, middle = torch.linalg.qr(torch.randn(WIDTH, 2)).Q, 5 * torch.randn(WIDTH)
    latents = 3 * torch.rand(4000, 2) @ plane.T + middle
    quantizer.start(latents)
    error = quantizer(latents.T[None]).latent[0].T - latents
    assert error.square().sum() / (latents - latents.mean(0)).square().sum() < 0.03


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
    points = F.normalize(centres.repeat_interleave(50, dim=0) + 0.2 * torch.randn(4 * 50, DIM), dim=1)
    found = spherical_kmeans(points, 4)
    assert (points @ found.T).amax(dim=1).mean() > (points @ evenly_spaced(points, 4).T).amax(dim=1).mean()
    assert ((found @ centres.T).amax(dim=0) > 0.99).all()


def test_kmeans_moves_an_empty_cluster_to_what_no_other_serves() -> None:
    points = torch.eye(DIM)[[0] * 80 + [1] * 20]
    assert torch.equal(evenly_spaced(points, 2), points[:2])
    assert torch.equal(spherical_kmeans(points, 2), torch.eye(DIM)[:2])


def test_kmeans_wants_enough_points() -> None:
    with pytest.raises(ValueError, match="3 latents cannot start 4 codebook entries"):
        spherical_kmeans(torch.randn(3, DIM), 4)


@pytest.mark.parametrize(("num_points", "count"), [(10, 3), (7, 7), (4, 9), (0, 2), (5, 0)])
def test_evenly_spaced_points_are_different_and_from_all_over(num_points: int, count: int) -> None:
    rows = evenly_spaced(torch.arange(num_points)[:, None], count)[:, 0].tolist()
    assert len(rows) == len(set(rows)) == min(num_points, count)
    gaps = [later - earlier for earlier, later in zip([-1, *rows], [*rows, num_points], strict=True)]
    assert not rows or max(gaps) <= -(-num_points // len(rows))


def test_sums_by_code_depend_on_no_order() -> None:
    torch.manual_seed(0)
    points, codes = F.normalize(torch.randn(5000, DIM), dim=1), torch.randint(3, (5000,))
    table = sum_by_code(points, codes, 4)
    order = torch.randperm(5000)
    assert torch.equal(sum_by_code(points[order], codes[order], 4), table)
    assert torch.equal(sum_by_code(points[:70], codes[:70], 4) + sum_by_code(points[70:], codes[70:], 4), table)
    counts, sums = counts_and_sums(table)
    assert counts.tolist() == [float((codes == code).sum()) for code in range(4)]
    expected = torch.stack([points[codes == code].double().sum(0) for code in range(4)])
    torch.testing.assert_close(sums.double(), expected, rtol=1e-7, atol=1e-6)


def test_state_is_all_in_buffers() -> None:
    quantizer = make().train()
    quantizer(torch.randn(1, WIDTH, 30))
    quantizer.update()
    copy = EMACodebook(QuantizerConfig(codebook_size=SIZE, codebook_dim=DIM), WIDTH).train()
    copy.load_state_dict(quantizer.state_dict())
    latent = torch.randn(1, WIDTH, 30)
    for module in (quantizer, copy):
        module(latent)
        module.update()
    assert differing(state(quantizer), state(copy)) == set()


def test_models_on_disk_keep_the_names_of_the_buffers() -> None:
    quantizer = make().train()
    quantizer(torch.randn(1, WIDTH, 30))
    buffers = {name for name in quantizer.state_dict() if not name.startswith("project_")}
    assert buffers == {"codebook", "ema_count", "ema_sum", "is_started", "steps_to_restart"}
