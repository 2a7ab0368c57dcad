"""SI-SDR, codebook statistics, intervals and error rates against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.codebook import code_counts, entropy, perplexity, usage
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.text import Errors, cer, normalise, wer
from audiovq.metrics.waveform import si_sdr
from audiovq.system.optional import optional_package


def test_si_sdr_of_orthogonal_noise_is_the_energy_ratio_at_any_gain_and_offset() -> None:
    target, noise = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([0.1, 0.1, -0.1, -0.1])
    assert si_sdr(target, target + noise) == pytest.approx(20, abs=1e-4)
    assert si_sdr(target + 0.3, 5 * (target + noise) - 0.2) == pytest.approx(20, abs=1e-4)


def test_si_sdr_has_ends() -> None:
    target = torch.tensor([1.0, -1.0, 1.0, -1.0])
    assert si_sdr(target, 2 * target) == 100
    assert si_sdr(target, torch.tensor([1.0, 1.0, -1.0, -1.0])) == -100
    assert si_sdr(target, torch.zeros(4)) == -100
    with pytest.raises(NotMeasurableError, match="not constant"):
        si_sdr(torch.ones(4), target)


def test_code_statistics_by_hand() -> None:
    counts = code_counts(torch.tensor([[0, 0, 1, 2], [3, 3, 3, 3]]), codebook_size=8)
    assert counts.tolist() == [[2, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 4, 0, 0, 0, 0]]
    assert usage(counts).tolist() == [3 / 8, 1 / 8]
    assert entropy(counts).tolist() == pytest.approx([1.5, 0.0])
    assert perplexity(counts).tolist() == pytest.approx([2**1.5, 1.0])


def test_even_use_of_a_codebook_is_the_top() -> None:
    counts = torch.full((1, 1024), 3)
    assert entropy(counts).item() == pytest.approx(10)
    assert perplexity(counts).item() == pytest.approx(1024)
    with pytest.raises(ValueError, match="got none"):
        entropy(torch.zeros(1, 8))


def test_bootstrap_interval_of_many_values_is_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, size=400)
    interval = bootstrap_mean(values.tolist())
    half_width = 1.96 * values.std() / math.sqrt(len(values))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * half_width, rel=0.1)
    assert interval == bootstrap_mean(values.tolist())
    assert interval.count == 400


def test_weighted_mean_is_all_errors_over_all_letters() -> None:
    interval = bootstrap_mean([0.5, 0.0], weights=[6, 3])
    assert interval.mean == pytest.approx(3 / 9)
    assert (interval.low, interval.high) == (0.0, 0.5)


def test_bootstrap_of_few_values() -> None:
    assert bootstrap_mean([2.0]).low == bootstrap_mean([2.0]).high == 2.0
    assert bootstrap_mean([2.0, 2.0, 2.0]).low == 2.0
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean([])


def test_error_rates_by_hand() -> None:
    assert cer("kitten", "sitting") == Errors(3, 6)
    assert wer("the cat sat down", "the hat sat") == Errors(2, 4)
    assert wer("a b", "c d e f").rate == 2.0
    assert cer("yes", "") == Errors(3, 3)
    assert (cer("kitten", "sitting") + cer("yes", "yes")).rate == pytest.approx(3 / 9)
    with pytest.raises(NotMeasurableError, match=r"'\.\.\.'"):
        cer("...", "hello")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Hello,  World!", "hello world"),
        ("Don\u2019t -- stop", "dont stop"),
        ("well-known", "well known"),
        ("лю+ди, Ёлки", "люди елки"),
        ("лю\u0301ди й", "люди й"),
        ("Où est l'hôtel ?", "où est lhôtel"),
        ("press 1", "press 1"),
    ],
)
def test_normalised_text(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no_such_package_here: pip install 'audiovq\[eval\]'"):
        optional_package("no_such_package_here")
