"""Which symbols last."""

import numpy as np
import pytest

from audiovq.data.speech_units import MARK, PAUSE, SOUND, kind_of, units_of


@pytest.mark.parametrize(
    "symbols, kind",
    [
        (["a", "ʃ", "tʲ", "ɔ̃", "я", "5", "%", "&"], SOUND),
        (["_", " ", ",", "?", "…", "—", '"'], PAUSE),
        (["ˈ", "ˌ", "ː", "˥"], MARK),  # noqa: RUF001
    ],
)
def test_kinds(symbols: list[str], kind: str) -> None:
    assert {symbol: kind_of(symbol) for symbol in symbols} == dict.fromkeys(symbols, kind)


def test_runs_of_pauses_are_one_and_marks_are_none() -> None:
    symbols = ["_", '"', "ˈ", "a", "ː", ",", " ", "b", " ", "ˈ", "c", ".", "_"]  # noqa: RUF001
    units = units_of(symbols)
    assert [symbols[place] for place in units.places] == ["_", "a", ",", "b", " ", "c", "_"]
    assert units.places[-1] == len(symbols) - 1
    assert units.optional.tolist() == [True, False, True, False, True, False, True]
    durations = units.over_symbols(np.array([1, 2, 3, 4, 0, 6, 7]))
    assert durations.tolist() == [1, 0, 0, 2, 0, 3, 0, 4, 0, 0, 6, 0, 7]


@pytest.mark.parametrize("symbols", [[], ["_", "_"], ["a"], ["ˈ"]])  # noqa: RUF001
def test_no_two_neighbours_are_optional(symbols: list[str]) -> None:
    optional = units_of(symbols).optional
    assert not (optional[1:] & optional[:-1]).any()
