"""Signals of several rates in one: nothing is lost, and a column is what belongs together."""

import torch

from audiovq.nn.columns import from_columns, to_columns


def test_a_column_is_one_coarsest_frame() -> None:
    coarse, fine = torch.tensor([[1, 2]]), torch.tensor([[10, 11, 12, 13], [20, 21, 22, 23]])
    columns = to_columns([coarse, fine], [1, 2])
    assert columns[:, 0].tolist() == [1, 10, 11, 20, 21]
    back = from_columns(columns, [1, 2], [1, 2])
    assert torch.equal(back[0], coarse) and torch.equal(back[1], fine)
    assert torch.equal(from_columns(columns[:, 1:], [1, 2], [1, 2])[1], fine[:, 2:])
