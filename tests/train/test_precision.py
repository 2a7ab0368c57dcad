"""In which precision a training computes when nothing is said."""

import pytest
import torch

from audiovq.train import precision
from audiovq.train.launch import launch
from audiovq.train.precision import chosen_precision


@pytest.fixture(params=[True, False])
def computes_in_bfloat16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A processor with, or without, such instructions, and no GPU."""
    has: bool = request.param
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: has)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return has


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_auto_is_bfloat16_where_the_processor_computes_in_it(computes_in_bfloat16: bool, device: str) -> None:
    assert chosen_precision("auto", device) == ("bf16-mixed" if computes_in_bfloat16 else "32-true")
    assert launch("cpu", "auto").strategy.precision.precision == chosen_precision("auto", "cpu")


@pytest.mark.parametrize("named", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_precision_that_is_named_is_taken(computes_in_bfloat16: bool, named: str) -> None:
    assert chosen_precision(named, "cpu") == named


@pytest.mark.parametrize("supported", [True, False])
def test_of_a_gpu_its_own_instructions_count(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported or including_emulation)
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: not supported)
    for device in ("auto", "cuda"):
        assert chosen_precision("auto", device) == ("bf16-mixed" if supported else "32-true")
