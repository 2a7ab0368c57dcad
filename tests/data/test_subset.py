from audiovq.data.subset import balanced_subset

UTT2SPK = {
    f"{speaker}-{number}": speaker for speaker, count in (("a", 50), ("b", 3), ("c", 9)) for number in range(count)
}


def test_speakers_take_turns_as_long_as_they_last() -> None:
    chosen = [UTT2SPK[utterance] for utterance in balanced_subset(UTT2SPK, 16, seed=1)]
    assert chosen == ["a", "b", "c"] * 3 + ["a", "c"] * 3 + ["a"]


def test_a_larger_subset_contains_the_smaller() -> None:
    assert balanced_subset(UTT2SPK, 20, seed=1)[:10] == balanced_subset(UTT2SPK, 10, seed=1)


def test_all_of_them_come_once_and_the_order_of_the_table_is_nothing() -> None:
    everything = balanced_subset(UTT2SPK, 1_000, seed=1)
    assert sorted(everything) == sorted(UTT2SPK)
    assert balanced_subset(dict(reversed(UTT2SPK.items())), 1_000, seed=1) == everything


def test_seeds_differ() -> None:
    assert balanced_subset(UTT2SPK, 10, seed=1) != balanced_subset(UTT2SPK, 10, seed=2)
