"""How a global batch is cut: everything once, in order, evenly."""

from hypothesis import given
from hypothesis import strategies as st

from audiovq.train.shares import own_shares, split


def test_contiguous_parts_of_nearly_one_size() -> None:
    assert split("abcdefg", 3) == [["a", "b"], ["c", "d"], ["e", "f", "g"]]
    assert split("ab", 4) == [[], ["a"], [], ["b"]]


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 5))
def test_the_shares_of_all_processes_in_order_are_the_batch(num_items: int, world_size: int, accumulate: int) -> None:
    items = list(range(num_items))
    shares = [share for rank in range(world_size) for share in own_shares(items, rank, world_size, accumulate)]
    assert [item for share in shares for item in share] == items
    assert len(shares) == world_size * accumulate
    sizes = {len(share) for share in shares}
    assert max(sizes) - min(sizes) <= 1
