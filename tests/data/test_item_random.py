"""Random numbers of items."""

import torch

from audiovq.data.item_random import item_seed, uniform


def test_they_belong_to_the_item_and_not_to_its_place() -> None:
    seeds = torch.tensor([item_seed(1, 0, f"utterance{index}") for index in range(50)])
    turned = uniform(seeds.flip(0), "gain").flip(0)
    assert torch.equal(uniform(seeds, "gain"), turned)
    assert torch.equal(uniform(seeds[7:9], "gain"), turned[7:9])


def test_epochs_items_and_purposes_differ() -> None:
    seeds = {item_seed(seed, epoch, item) for seed in (1, 2) for epoch in (0, 1) for item in ("a", "b")}
    assert len(seeds) == 8 and all(0 <= seed < 2**62 for seed in seeds)
    some = torch.tensor(sorted(seeds))
    assert not torch.equal(uniform(some, "gain"), uniform(some, "prefix"))


def test_they_are_uniform() -> None:
    drawn = uniform(torch.arange(4000), "gain")
    assert drawn.min() >= 0 and drawn.max() < 1
    assert abs(float(drawn.mean()) - 0.5) < 0.02 and abs(float(drawn.std()) - 12**-0.5) < 0.01
