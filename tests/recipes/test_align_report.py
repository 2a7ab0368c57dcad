"""What is said of alignments."""

import numpy as np
import pytest

from audiovq.data.symbol_tables import Aligned
from recipes.align.report import class_of, report


@pytest.mark.parametrize(
    "symbol, at_edge, name",
    [
        ("_", True, "edge"),
        (" ", False, "word boundary"),
        (",", False, "punctuation"),
        ("a", False, "vowel"),
        ("ɔ̃", False, "vowel"),
        ("tʲ", False, "stop"),
        ("s", False, "other sound"),
    ],
)
def test_classes(symbol: str, at_edge: bool, name: str) -> None:
    assert class_of(symbol, at_edge) == name


def test_figures_are_means_over_units() -> None:
    items = [Aligned("u", "s", "en", ("_", "a", "ː", " ", "i", "_"), np.array([3, 4, 0, 0, 1, 2]))]  # noqa: RUF001
    lines = report("valid", items, [[0, 1, 3, 4, 5]], ms=20.0, nats=-0.5).splitlines()
    assert lines[0] == "valid: 1 utterances, -0.500 nats per frame, 50.0% of sounds last one frame"
    assert [line.split() for line in lines[1:]] == [
        ["edge", "50.0", "ms", "0.0%", "last", "nothing", "2"],
        ["vowel", "50.0", "ms", "0.0%", "last", "nothing", "2"],
        ["word", "boundary", "0.0", "ms", "100.0%", "last", "nothing", "1"],
    ]


def test_a_network_that_gave_all_to_one_symbol_is_named() -> None:
    items = [Aligned("u", "s", "en", ("a", "b", "c", "d"), np.array([1, 1, 1, 40]))]
    assert "warning: train: hardly aligned" in report("train", items, [[0, 1, 2, 3]], ms=20.0, nats=-0.1)
