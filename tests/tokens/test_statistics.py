"""Statistics of tables whose numbers are known."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from audiovq.tokens import Entry, Layout, TokenTable, TokenTableError
from audiovq.tokens.statistics import length_names, measure, plot
from audiovq.tokens.writer import arrow_tables, write_table

LAYOUT = Layout("m@1", 1000, (100, 50), (4, 8), (1, 2))


def entry(utt_id: str, seconds: int, coarse: list[int], fine: list[int], channels: int = 1) -> Entry:
    """Codes that repeat themselves until the end."""
    both = ((coarse, 10), (fine, 40))
    levels = tuple(np.resize(np.array(codes, np.uint8), rate * seconds * channels) for codes, rate in both)
    return Entry(utt_id, 1000 * seconds, channels, 500, levels, speaker=utt_id[0])


def table(folder: Path, *entries: Entry) -> TokenTable:
    write_table(folder, LAYOUT, arrow_tables(entries, LAYOUT))
    return TokenTable(folder)


def test_numbers_are_those_of_the_codes(tmp_path: Path) -> None:
    found = measure(
        table(tmp_path, entry("a1", 1, [0, 1], [0, 7]), entry("a2", 3, [0, 1], [0, 7]), entry("b1", 1, [0, 1], [0, 7]))
    )
    assert (found.num_utterances, found.num_speakers, found.seconds) == (3, 2, 5)
    assert found.num_duplicates == 1  # b1 has the codes of a1
    assert found.silence_share == pytest.approx(0.3)
    assert found.bits_per_second == pytest.approx(10 * 2 + 2 * 20 * 3)
    coarse, first, second = found.codebooks
    assert (coarse.tokens_per_second, coarse.usage, coarse.perplexity, coarse.entropy_bits) == pytest.approx(
        (10, 0.5, 2, 1)
    )
    # Frames of level 1 are (0, 7): its first codebook has only zeros, its second only sevens.
    assert [(book.level, book.codebook) for book in found.codebooks] == [(0, 0), (1, 0), (1, 1)]
    assert first.counts[0] == second.counts[7] == 100 and first.entropy_bits == second.entropy_bits == 0
    assert found.entropy_bits_per_second == pytest.approx(10)


def test_channels_share_codebooks_and_add_to_the_rates(tmp_path: Path) -> None:
    found = measure(table(tmp_path, entry("a1", 2, [0, 1], [1, 2, 3, 4], channels=2)))
    assert found.codebooks[0].tokens_per_second == 20 and found.bits_per_second == pytest.approx(280)
    assert np.flatnonzero(found.codebooks[1].counts).tolist() == [1, 3]
    assert np.flatnonzero(found.codebooks[2].counts).tolist() == [2, 4]


def test_lengths_are_counted_from_each_edge_on(tmp_path: Path) -> None:
    found = measure(table(tmp_path, *(entry(f"a{i}", seconds, [0], [0]) for i, seconds in enumerate((1, 1, 3, 4)))))
    counted = dict(zip(length_names(), found.lengths, strict=True))
    assert {name: count for name, count in counted.items() if count} == {"1 - 2": 2, "2 - 4": 1, "4 - 8": 1}


def test_a_table_without_utterances_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenTableError, match="holds no utterance"):
        measure(table(tmp_path))


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    file = io.BytesIO()
    plot(measure(table(tmp_path, entry("a1", 1, [0, 1], [0, 7]))), LAYOUT, file, "png")
    assert file.getvalue().startswith(b"\x89PNG")
