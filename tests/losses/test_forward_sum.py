"""The sum over all alignments, against the sum written out."""

import itertools
import math
from collections.abc import Iterator, Sequence

import torch

from audiovq.losses.forward_sum import forward_sum_loss


def paths(num_frames: int, optional: Sequence[bool]) -> Iterator[tuple[int, ...]]:
    """All durations that are allowed."""
    for durations in itertools.product(range(num_frames + 1), repeat=len(optional)):
        if sum(durations) == num_frames and all(d or o for d, o in zip(durations, optional, strict=True)):
            yield durations


def written_out(log_probs: torch.Tensor, optional: Sequence[bool]) -> float:
    total = 0.0
    for durations in paths(len(log_probs), optional):
        symbols = [symbol for symbol, duration in enumerate(durations) for _ in range(duration)]
        total += math.exp(sum(float(log_probs[frame, symbol]) for frame, symbol in enumerate(symbols)))
    return -math.log(total)


def test_it_is_the_sum_over_all_paths_of_each_item_in_a_padded_batch() -> None:
    masks = [[True, False, True, False, True], [False, True, False], [True], [False, False]]
    lengths = [4, 5, 3, 2]
    log_probs = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    optional = torch.zeros(4, 5, dtype=torch.bool)
    for row, mask in zip(optional, masks, strict=True):
        row[: len(mask)] = torch.tensor(mask)
    losses = forward_sum_loss(log_probs, torch.tensor(lengths), torch.tensor([len(mask) for mask in masks]), optional)
    wanted = [
        written_out(item[:length, : len(mask)], mask)
        for item, length, mask in zip(log_probs, lengths, masks, strict=True)
    ]
    torch.testing.assert_close(losses, torch.tensor(wanted, dtype=torch.float64))


def test_its_gradient_is_that_of_finite_differences() -> None:
    log_probs = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    optional = torch.tensor([[True, False, False, True], [False, True, False, False]])
    shapes = torch.tensor([5, 4]), torch.tensor([4, 3])
    assert torch.autograd.gradcheck(lambda x: forward_sum_loss(x, *shapes, optional), log_probs.requires_grad_())


def test_without_optional_symbols_it_is_ctc_without_blanks() -> None:
    log_probs = torch.randn(3, 9, 4, generator=torch.Generator().manual_seed(3)).log_softmax(2)
    frames, symbols = torch.tensor([9, 7, 4]), torch.tensor([4, 3, 4])
    with_blank = torch.cat([torch.full((3, 9, 1), -1e4), log_probs], dim=2).transpose(0, 1)
    targets = torch.arange(1, 5).expand(3, -1)
    ctc = torch.nn.functional.ctc_loss(with_blank, targets, frames, symbols, reduction="none")
    ours = forward_sum_loss(log_probs, frames, symbols, torch.zeros(3, 4, dtype=torch.bool))
    torch.testing.assert_close(ours, ctc, rtol=1e-5, atol=1e-5)


def test_more_symbols_than_frames_cost_nothing_and_teach_nothing() -> None:
    log_probs = torch.zeros(2, 2, 3, requires_grad=True)
    loss = forward_sum_loss(log_probs, torch.tensor([2, 0]), torch.tensor([3, 1]), torch.zeros(2, 3, dtype=torch.bool))
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0]
    assert log_probs.grad is not None and not log_probs.grad.any()
