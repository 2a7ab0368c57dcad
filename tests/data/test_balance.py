"""How often voices and languages are heard, by hand-computed values."""

from collections import Counter

import pytest
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource

from audiovq.data.balance import BalanceConfig, balanced, repeats
from audiovq.data.loader import epoch_batches


def cut(number: int, language: str, voice: str) -> MonoCut:
    """Ten seconds of a voice."""
    source = AudioSource("file", [0], "none.wav")
    recording = Recording(f"{voice}-{number}", [source], 16000, 160000, 10.0)
    supervision = SupervisionSegment(f"{voice}-{number}", recording.id, 0, 10.0, language=language, speaker=voice)
    return MonoCut(f"{voice}-{number}", 0, 10.0, 0, [supervision], recording=recording)


def cuts() -> CutSet:
    """English: ann 80 s, bob 20 s; Greek: zoe 20 s."""
    numbers = {("en", "ann"): 8, ("en", "bob"): 2, ("el", "zoe"): 2}
    return CutSet.from_cuts(cut(n, *key) for key, count in numbers.items() for n in range(count))


def test_alike_means_the_same_seconds_for_each() -> None:
    due = repeats(cuts(), BalanceConfig(voices=1, languages=1))
    # 120 s: 60 for each language, of which ann and bob have 30 each.
    assert due == pytest.approx({("en", "ann"): 30 / 80, ("en", "bob"): 30 / 20, ("el", "zoe"): 60 / 20})


def test_between_the_two_hours_count_by_a_power() -> None:
    due = repeats(cuts(), BalanceConfig(voices=0.5))
    # In English, 100 s, the shares are sqrt(80) : sqrt(20) = 2 : 1; Greek keeps its 20 s.
    assert due == pytest.approx({("en", "ann"): 66.667 / 80, ("en", "bob"): 33.333 / 20, ("el", "zoe"): 1.0}, rel=1e-4)


def test_no_power_changes_nothing() -> None:
    assert list(repeats(cuts(), BalanceConfig()).values()) == pytest.approx([1.0, 1.0, 1.0])
    assert [each.id for each in balanced(cuts(), BalanceConfig(), 1, 0)] == [each.id for each in cuts()]


def test_an_epoch_is_a_pure_function_and_over_many_each_gets_its_share() -> None:
    config = BalanceConfig(voices=1, languages=1)
    counted: Counter[str] = Counter()
    for epoch in range(200):
        ids = [each.id for each in balanced(cuts(), config, seed=1, epoch=epoch)]
        assert ids == [each.id for each in balanced(cuts(), config, seed=1, epoch=epoch)]
        assert len(set(ids)) == len(ids)
        counted.update(name.split("-")[0] for name in ids)
    assert {voice: count / 200 for voice, count in counted.items()} == pytest.approx(
        {"ann": 3.0, "bob": 3.0, "zoe": 6.0}, rel=0.1
    )


def test_batches_hold_what_is_due() -> None:
    batches = epoch_batches(cuts(), 40.0, 1, 0, balance=BalanceConfig(languages=1))
    zoe = [each for batch in batches for each in batch if each.id.startswith("zoe")]
    assert len(zoe) == 6  # 60 of 20 seconds, three times each


def test_cuts_that_name_no_voice_are_one_voice() -> None:
    silent = CutSet.from_cuts(each.drop_supervisions() for each in cuts())
    assert repeats(silent, BalanceConfig(voices=1, languages=1)) == {("", ""): 1.0}


def test_powers_lie_between_0_and_1() -> None:
    with pytest.raises(ValueError, match=r"expected powers of 0 to 1, got voices=1\.5"):
        BalanceConfig(voices=1.5)
