"""Windows answer for every frame once, see what a whole pass sees, and do not depend on how the signal arrives."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiovq.nn.windows import Window, WindowCutter


def windows_of(signal: torch.Tensor, sizes: list[int], units: int, step: int, context: int) -> list[Window]:
    cutter = WindowCutter(units, step, context)
    windows: list[Window] = []
    position = 0
    for size in itertools.chain(sizes, itertools.repeat(signal.shape[1])):
        if position >= signal.shape[1]:
            break
        windows += cutter.push(signal[:, position : position + size])
        position += size
    return windows + list(cutter.flush())


@given(
    length=st.integers(1, 200),
    units=st.integers(1, 4),
    step=st.integers(1, 9),
    context=st.integers(0, 6),
    sizes=st.lists(st.integers(1, 40), max_size=12),
)
def test_kept_parts_are_the_signal(length: int, units: int, step: int, context: int, sizes: list[int]) -> None:
    signal = torch.arange(1.0, 2 * length + 1).reshape(2, length)
    windows = windows_of(signal, sizes, units, step, context)
    together = torch.cat([window.kept(window.signal) for window in windows], dim=1)
    assert together.shape[1] == -(-length // units) * units
    assert torch.equal(together[:, :length], signal)
    assert not together[:, length:].any()


@given(length=st.integers(1, 120), sizes=st.lists(st.integers(1, 40), max_size=12))
def test_windows_do_not_depend_on_the_blocks(length: int, sizes: list[int]) -> None:
    signal = torch.randn(1, length)
    whole, split = (windows_of(signal, blocks, units=2, step=7, context=3) for blocks in ([], sizes))
    assert len(whole) == len(split)
    for a, b in zip(whole, split, strict=True):
        assert torch.equal(a.signal, b.signal) and torch.equal(a.valid, b.valid)
        assert (a.keep_from, a.keep_to) == (b.keep_from, b.keep_to)


def test_all_windows_of_a_long_signal_have_one_shape() -> None:
    windows = windows_of(torch.randn(1, 101), [], units=2, step=7, context=3)
    assert len(windows) > 2
    assert {tuple(window.signal.shape) for window in windows} == {(1, 2 * (7 + 2 * 3))}
    assert {tuple(window.valid.shape) for window in windows} == {(1, 7 + 2 * 3)}


@pytest.mark.parametrize("length", [1, 25, 26, 27, 28, 100])
def test_a_window_sees_its_context_and_where_the_signal_ends(length: int) -> None:
    signal = torch.arange(1.0, length + 1)[None]
    padded = torch.nn.functional.pad(signal, (50, 50))
    position = 0
    for window in windows_of(signal, [], units=1, step=20, context=3):
        low = position - window.keep_from
        assert torch.equal(window.signal, padded[:, 50 + low : 50 + low + window.signal.shape[1]])
        inside = torch.arange(low, low + window.valid.shape[1])
        assert torch.equal(window.valid[0], (inside >= 0) & (inside < length))
        position += window.keep_to - window.keep_from
    assert position == length


def test_nothing_gives_nothing() -> None:
    assert list(WindowCutter(2, 3, 1).flush()) == []
