"""How likely the frames are, summed over all monotonic ways to share them out among the symbols."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_NEVER = -1e30


def forward_sum_loss(log_probs: Tensor, num_frames: Tensor, num_symbols: Tensor, optional: Tensor) -> Tensor:
    """Negative log-probability of all paths of an item; 0, with no gradient, where there is no path.

    A path gives each symbol a run of frames, in order; the run may be empty where ``optional`` is true, but not for two
    neighbours.

    Shape: log_probs (B, N, S), num_frames and num_symbols (B,) int, optional (B, S) bool -> (B,).
    Source: Badlani et al. 2021, One TTS Alignment To Rule Them All, equation 4, which is CTC without blanks (Graves et
    al. 2006, section 4.1); optional symbols are our own.
    """
    result: Tensor = _ForwardSum.apply(log_probs, num_frames, num_symbols, optional)  # type: ignore[no-untyped-call]
    return result


class _ForwardSum(torch.autograd.Function):
    """The gradient is how likely each frame is each symbol's: by both recursions, much cheaper than through one."""

    @staticmethod
    def forward(context: Any, log_probs: Tensor, num_frames: Tensor, num_symbols: Tensor, optional: Tensor) -> Tensor:
        frames = log_probs.detach().double().transpose(0, 1)  # (N, B, S)
        length, _, width = frames.shape
        skips = torch.where(optional, 0.0, _NEVER).double()  # what it costs to pass over a symbol
        last = (num_symbols - 1)[:, None]
        symbols = torch.arange(width, device=frames.device)
        ends = torch.where(symbols == last, 0.0, _NEVER).double()
        ends = torch.where(symbols == last - 1, skips.gather(1, last), ends)

        first = torch.where(symbols == 0, 0.0, _NEVER).double().expand_as(skips).clone()
        first[:, 1:2] = skips[:, :1]
        forward = torch.empty_like(frames)
        forward[0] = first + frames[0]
        for n in range(1, length):
            forward[n] = _arrive(forward[n - 1], skips) + frames[n]
        at_end = forward.gather(0, (num_frames - 1).clamp(min=0)[None, :, None].expand(1, -1, width))[0]
        total = torch.logsumexp(at_end + ends, dim=1)
        possible = (total > 0.5 * _NEVER) & (num_frames > 0)

        backward = ends.expand_as(frames).clone()  # each item's recursion begins at its own last frame
        for n in range(length - 2, -1, -1):
            step = _leave(backward[n + 1] + frames[n + 1], skips)
            backward[n] = torch.where((n < num_frames - 1)[:, None], step, backward[n])
        posterior = (forward + backward - total[:, None]).clamp(max=0).exp()
        valid = torch.arange(length, device=frames.device)[:, None] < num_frames
        posterior = posterior * (valid & possible)[:, :, None]
        context.save_for_backward(posterior.transpose(0, 1).to(log_probs.dtype))
        return torch.where(possible, -total, 0.0).to(log_probs.dtype)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        (posterior,) = context.saved_tensors
        return -posterior * gradients[0][:, None, None], None, None, None


def _arrive(state: Tensor, skips: Tensor) -> Tensor:
    """By staying, from the symbol before, or from the one before that. Shape: (B, S) both."""
    result = state.clone()
    result[:, 1:] = torch.logaddexp(state[:, 1:], state[:, :-1])
    result[:, 2:] = torch.logaddexp(result[:, 2:], state[:, :-2] + skips[:, 1:-1])
    return result


def _leave(state: Tensor, skips: Tensor) -> Tensor:
    """The same with time reversed."""
    result = state.clone()
    result[:, :-1] = torch.logaddexp(state[:, :-1], state[:, 1:])
    result[:, :-2] = torch.logaddexp(result[:, :-2], state[:, 2:] + skips[:, 1:-1])
    return result
