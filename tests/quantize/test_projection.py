"""How a codebook's projections begin."""

import torch

from audiovq.quantize.projection import linear_fit, to_sphere


def test_the_largest_directions_come_first_and_a_constant_last() -> None:
    axes = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0))).Q
    sizes = torch.tensor([4.0, 2.0, 1.0, 0.1, 0.1])
    corners = torch.cat([torch.diag(sizes), -torch.diag(sizes)]) @ axes.T  # uncorrelated
    weight, bias = to_sphere(corners + 7.0, num_dims=4)
    seen = (corners + 7.0) @ weight.T + bias
    expected = (corners @ axes)[:, :3]
    torch.testing.assert_close(seen[:, :3].abs(), expected.abs(), rtol=0, atol=1e-4)
    # In the mean over the ten corners, (16 + 4 + 1) * 2 / 10.
    torch.testing.assert_close(seen[:, 3], torch.full((10,), 4.2**0.5), rtol=0, atol=1e-4)


def test_latents_without_any_direction_have_no_nan() -> None:
    weight, bias = to_sphere(torch.ones(10, 4), num_dims=3)
    assert weight.isfinite().all() and bias.isfinite().all() and bias[-1] > 0


def test_the_fit_of_a_linear_map_is_that_map() -> None:
    weight, bias, points = torch.randn(6, 3), torch.randn(6), torch.randn(50, 3)
    found = linear_fit(points, points @ weight.T + bias)
    torch.testing.assert_close(found[0], weight, rtol=0, atol=1e-4)
    torch.testing.assert_close(found[1], bias, rtol=0, atol=1e-4)


def test_points_that_are_all_the_same_give_the_mean() -> None:
    values = torch.randn(20, 6)
    weight, bias = linear_fit(torch.ones(20, 3), values)
    torch.testing.assert_close(weight @ torch.ones(3) + bias, values.mean(0))
