"""Scores of what is between two channels, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.multi_scale import multi_scale_mel_distance
from audiovq.metrics.scoring import measure
from audiovq.metrics.stereo import channel_mel_distance, correlation_error, level_difference_error

RATE = 16000


def noise(seed: int) -> Tensor:
    return 0.1 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(seed))


def test_levels_by_hand() -> None:
    even, leaning = torch.stack([noise(0), noise(1)]), torch.stack([noise(0), noise(1) / 2])
    assert level_difference_error(even, even, RATE) == 0
    assert level_difference_error(even, leaning, RATE) == pytest.approx(20 * math.log10(2), abs=1e-3)
    assert level_difference_error(even, 3 * even, RATE) == pytest.approx(0, abs=1e-3)
    one_side = torch.stack([noise(0), 0 * noise(0)])
    equal = torch.stack([noise(0), noise(0)])
    assert level_difference_error(equal, one_side, RATE) == pytest.approx(40, abs=1e-3)


def test_correlations_by_hand() -> None:
    equal, opposite = torch.stack([noise(0), noise(0)]), torch.stack([noise(0), -noise(0)])
    one_side = torch.stack([noise(0), 0 * noise(0)])
    assert correlation_error(equal, equal, RATE) == 0
    assert correlation_error(equal, opposite, RATE) == pytest.approx(2, abs=1e-3)
    assert correlation_error(equal, 0.1 * equal, RATE) == pytest.approx(0, abs=1e-3)
    assert correlation_error(equal, one_side, RATE) == pytest.approx(1, abs=1e-3)
    # Of unlike sounds tiles hold few numbers in narrow bands, hence more than 0.
    unlike = correlation_error(equal, torch.stack([noise(0), noise(1)]), RATE)
    assert unlike == pytest.approx(1, abs=0.1)


def test_what_is_far_below_the_loudest_does_not_count() -> None:
    loud, quiet = torch.stack([noise(0), noise(0)]), 1e-5 * torch.stack([noise(2), noise(3)])
    reference = torch.cat([loud, quiet], dim=1)
    result = torch.cat([loud, quiet.flip(0)], dim=1)
    assert correlation_error(reference, result, RATE) == pytest.approx(0, abs=1e-3)


def test_mel_distances_are_those_of_the_channels() -> None:
    reference, result = torch.stack([noise(0), noise(1)]), torch.stack([noise(2), noise(1)])
    expected = multi_scale_mel_distance(noise(0), noise(2), RATE) / 2
    assert channel_mel_distance(reference, result, RATE) == pytest.approx(expected)


@pytest.mark.parametrize("score", [channel_mel_distance, level_difference_error, correlation_error])
def test_mono_has_no_picture(score: object) -> None:
    for pair in ((noise(0), noise(0)), (noise(0)[None], noise(0)[None])):
        with pytest.raises(NotMeasurableError, match="there are not two channels"):
            score(*pair, RATE)  # type: ignore[operator]


def test_silence_has_no_picture() -> None:
    with pytest.raises(NotMeasurableError, match="the reference is silent"):
        level_difference_error(torch.zeros(2, RATE), torch.stack([noise(0), noise(1)])[:, :RATE], RATE)


def test_scores_of_mono_are_taken_of_the_mean() -> None:
    reference, result = torch.stack([noise(0), noise(1)]), torch.stack([noise(2), noise(3)])
    names = ["mel_distance", "channel_mel_distance"]
    values, reasons = measure(names, reference, result, RATE)
    assert values["mel_distance"] == measure(names, reference.mean(0), result.mean(0), RATE)[0]["mel_distance"]
    assert set(values) == set(names) and not reasons
    assert set(measure(names, reference[0], result[0], RATE)[1]) == {"channel_mel_distance"}
