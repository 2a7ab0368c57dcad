"""oneDNN's product is torch's, wherever it is taken."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from audiovq.system.matmul import linear


def operands(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = ((*shape, 40), (24, 40), (24,))
    return tuple(torch.randn(size, generator=generator) for size in (x, weight, bias))  # type: ignore[return-value]


@pytest.mark.parametrize("shape", [(), (1,), (9,), (2, 30), (1, 0), (3, 1, 8)])
@pytest.mark.parametrize("biased", [False, True])
@torch.inference_mode()
def test_any_shape_gives_what_torch_gives(shape: tuple[int, ...], biased: bool) -> None:
    x, weight, bias = operands(*shape)
    given = bias if biased else None
    torch.testing.assert_close(linear(x, weight, given), F.linear(x, weight, given), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1,), (9,), (2, 30), (3, 1, 8)])
@torch.inference_mode()
def test_its_gelu_is_torchs_exact_one(shape: tuple[int, ...]) -> None:
    x, weight, bias = operands(*shape)
    expected = F.gelu(F.linear(x, weight, bias))
    torch.testing.assert_close(linear(x, weight, bias, gelu=True), expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_any_layout_gives_what_torch_gives() -> None:
    x, weight, bias = operands(2, 30)
    x, weight = x.transpose(1, 2).contiguous().transpose(1, 2), weight.T.contiguous().T
    torch.testing.assert_close(linear(x, weight, bias), F.linear(x, weight, bias), atol=1e-5, rtol=1e-5)


def test_gradients_flow() -> None:
    x, weight, bias = operands(30)
    weight.requires_grad_()
    linear(x, weight, bias).sum().backward()
    torch.testing.assert_close(weight.grad, x.sum(0).expand_as(weight))


@torch.inference_mode()
def test_other_numbers_are_torchs_own_affair() -> None:
    x, weight, bias = operands(30)
    assert torch.equal(
        linear(x.double(), weight.double(), bias.double()), F.linear(x.double(), weight.double(), bias.double())
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(x, weight, bias).dtype == torch.bfloat16


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # about GPUs, whatever is switched
@torch.inference_mode()
def test_products_can_be_counted_without_onednn() -> None:
    x, weight, bias = operands(30)
    with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        linear(x, weight, bias)
    assert counter.get_total_flops() == 2 * 30 * 40 * 24
