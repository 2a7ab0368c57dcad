"""The linear layer of all networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from audiovq.system.matmul import laid_out, linear, onednn_can, onednn_linear

_FEW_ROWS = 64  # of so many or fewer, laying out the weights anew in every call takes much of the time


class Linear(nn.Linear):
    """torch's, but faster on some CPUs where nothing is learned: see audiovq.system.matmul.

    There a row comes out the same to the last bit beside any other rows: codes made in batches rely on it. ``gelu``
    asks for the GELU of the product, which costs less while that is at hand.

    Shape: (..., C) -> (..., C').
    """

    _packed: _Packed | None = None

    def forward(self, x: Tensor, gelu: bool = False) -> Tensor:
        if x.numel() > _FEW_ROWS * self.in_features or not onednn_can(x):
            return linear(x, self.weight, self.bias, gelu)
        return onednn_linear(x, self._laid_out(), self.bias, gelu)

    def bound(self, gelu: bool = False) -> Callable[[Tensor], Tensor]:
        """As ``forward`` of few rows of its own type, as often as one likes, with the weights of now."""
        if not onednn_can(self.weight):
            return partial(self.forward, gelu=gelu)
        weight, bias = self._laid_out(), self.bias
        return lambda x: onednn_linear(x, weight, bias, gelu)

    def _laid_out(self) -> Tensor:
        version = 0 if self.weight.is_inference() else self.weight._version
        if self._packed is None or self._packed.of != (self.weight.data_ptr(), version):
            self._packed = _Packed(laid_out(self.weight), (self.weight.data_ptr(), version))
        return self._packed.weight


class _Packed:
    """Weights laid out, and whose: a copy of a layer makes its own."""

    def __init__(self, weight: Tensor, of: tuple[int, int]) -> None:
        self.weight, self.of = weight, of

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()
