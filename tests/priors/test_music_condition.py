"""Labels, timing and beats, and that a step of training never waits for its device."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from audiovq.nn.mask import FrameMask
from audiovq.priors import hashed
from audiovq.priors.condition import UNKNOWN
from audiovq.priors.music_condition import MusicCondition, MusicConditionConfig, MusicInputs
from tests.priors.tiny import LEVELS


def features(inputs: MusicInputs) -> list[Tensor]:
    torch.manual_seed(0)
    made = MusicCondition(MusicConditionConfig(num_labels=3, near_frames=4), 8, LEVELS, (0, 2))
    with torch.no_grad():
        return made(inputs, FrameMask(torch.ones(len(inputs.starts), 5, dtype=torch.bool)))


def inputs(labels: list[int], start: int = 0, total: int = 20, dropped: bool = False) -> MusicInputs:
    rows = torch.tensor([labels + [UNKNOWN] * (2 - len(labels))])
    return MusicInputs(rows, torch.tensor([start]), torch.tensor([total]), torch.tensor([dropped]))


def test_labels_add_up_and_hidden_ones_count_as_none() -> None:
    nothing, first, second, both = (features(inputs(labels))[0] for labels in ([], [0], [1], [0, 1]))
    assert not torch.allclose(first, second) and not torch.allclose(first, nothing)
    assert torch.allclose(both, features(inputs([1, 0]))[0])
    torch.manual_seed(0)
    table = MusicCondition(MusicConditionConfig(num_labels=3), 8, LEVELS, (0, 2)).labels.weight
    torch.testing.assert_close((both - first)[0, :, 0], table[1])
    assert torch.equal(features(inputs([0, 1], dropped=True))[0], nothing)


def test_stretches_that_overlap_agree_on_where_they_are() -> None:
    early, late = features(inputs([], start=0)), features(inputs([], start=2))
    for first, second, factor in zip(early, late, (1, 4), strict=True):
        assert first.shape[2] == 5 * factor
        assert torch.allclose(first[..., 2 * factor :], second[..., : 3 * factor])


def test_ends_are_told_from_the_middle() -> None:
    begin, middle, end = (features(inputs([], start=start, total=100))[0] for start in (0, 50, 95))
    assert float((begin - middle).abs().mean()) > 0.01 < float((end - middle).abs().mean())


def clocked(given: MusicInputs) -> list[Tensor]:
    """Features of five coarsest frames; the first and the second label tell beats of 2 and of 1.6 frames."""
    torch.manual_seed(0)
    config = MusicConditionConfig(num_labels=3, near_frames=4, beat_frames=[2.0, 1.6, 0.0])
    made = MusicCondition(config, 8, LEVELS, (0, 2))
    assert made.clock is not None
    with torch.no_grad():
        untrained = made(given, FrameMask(torch.ones(len(given.starts), 5, dtype=torch.bool)))
        made.clock.place[-1].weight.normal_()  # type: ignore[operator]
        trained = made(given, FrameMask(torch.ones(len(given.starts), 5, dtype=torch.bool)))
    return [after - before for after, before in zip(trained, untrained, strict=True)]


def test_a_label_of_tempo_sets_a_clock_that_goes_round_in_four_beats() -> None:
    for label, around in ((0, 8), (1, 6.4)):
        first, later = (clocked(inputs([label], start=start)) for start in (0, 32))
        for coarse_or_fine in zip(first, later, strict=True):  # 32 frames are 16 and 20 beats
            torch.testing.assert_close(*coarse_or_fine, atol=1e-4, rtol=1e-4)
        fine = torch.cat([clocked(inputs([label], start=start))[1] for start in (0, 5)], dim=2)[0]
        assert all(float((fine[:, 0] - fine[:, n]).abs().max()) > 0.1 for n in range(1, int(around * 4)))
        # A frame of the coarse level begins with the first of its finer ones.
        torch.testing.assert_close(first[0], first[1][..., ::4])
    torch.testing.assert_close(clocked(inputs([2, 0]))[0], clocked(inputs([0]))[0])
    torch.testing.assert_close(clocked(inputs([1, 0]))[0], clocked(inputs([0]))[0])


def test_no_clock_goes_where_no_tempo_is_told() -> None:
    for silent in (inputs([]), inputs([2]), inputs([0], dropped=True)):
        assert not any(float(level.abs().max()) for level in clocked(silent))
    both = MusicInputs(torch.tensor([[2], [0]]), torch.tensor([0, 3]), torch.tensor([20, 20]))
    together = clocked(both)
    assert not float(together[0][0].abs().max())
    torch.testing.assert_close(together[0][1:], clocked(inputs([0], start=3))[0])


def test_beats_are_counted_by_the_true_start() -> None:
    told = replace(inputs([0], start=7), true_starts=torch.tensor([3]))
    torch.testing.assert_close(clocked(told)[0], clocked(inputs([0], start=3))[0])
    assert torch.equal(clocked(told.with_hidden_copy())[0][:1], clocked(told)[0])


@pytest.mark.parametrize("beat_frames", [[2.0], [2.0, -1.0, 0.0]])
def test_a_clock_needs_a_beat_of_each_label(beat_frames: list[float]) -> None:
    with pytest.raises(ValueError, match="expected none, or one of at least 0 for each of 3 labels"):
        MusicConditionConfig(num_labels=3, beat_frames=beat_frames)


def test_uniform_numbers_are_those_of_splitmix() -> None:
    def mixed(x: int) -> int:
        mask = (1 << 64) - 1
        x &= mask
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    for seed in (0, 1, 2**62 - 1):
        got = hashed.uniforms(torch.tensor([seed]), 3, purpose=2)[0].tolist()
        states = [mixed(mixed(seed) + 2) + place * 0x9E3779B97F4A7C15 for place in (1, 2, 3)]
        assert got == [(mixed(state) >> 40) / 2**24 for state in states]


def test_uniform_numbers_are_even_and_differ() -> None:
    many = hashed.uniforms(torch.arange(100), 1000)
    assert float(many.mean()) == pytest.approx(0.5, abs=0.005) and 0 <= float(many.min()) < float(many.max()) < 1
    assert abs(float(torch.corrcoef(many[:2])[0, 1])) < 0.1
    assert not torch.equal(many, hashed.uniforms(torch.arange(100), 1000, purpose=1))
