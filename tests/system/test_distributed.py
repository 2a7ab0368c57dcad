"""Collective operations between two processes, and that one process alone needs no group."""

from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from audiovq.system.distributed import (
    all_reduce_sum,
    broadcast_from_first,
    gather_objects,
    gather_rows,
    rank,
    world_size,
)


def strided() -> torch.Tensor:
    """A view that is not contiguous, with values of its own on each process."""
    return (torch.arange(6.0).view(3, 2) + 10 * rank()).T


def run(process: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=process, world_size=2)
    summed, broadcast = strided(), strided()
    all_reduce_sum(summed)
    broadcast_from_first(broadcast)
    results = {
        "rank": rank(),
        "world_size": world_size(),
        "summed": summed,
        "broadcast": broadcast,
        "unequal": gather_rows(torch.full((3 - 2 * rank(), 2), float(rank()))),
        "none here": gather_rows(torch.arange(2 * rank())),
        "none anywhere": gather_rows(torch.zeros(0, 4)),
        "strided": gather_rows(strided()),
        "flags": gather_rows(torch.tensor([rank() == 1])),
        "objects": gather_objects({"name": "x" * (1 + 100 * rank())}),
    }
    torch.save(results, f"{folder}/{process}.pt")
    dist.destroy_process_group()


def test_two_processes_agree(tmp_path: Path) -> None:
    mp.spawn(run, args=(str(tmp_path),), nprocs=2)
    for process in range(2):
        found = torch.load(tmp_path / f"{process}.pt")
        assert (found["rank"], found["world_size"]) == (process, 2)
        assert found["summed"].tolist() == [[10, 14, 18], [12, 16, 20]]
        assert found["broadcast"].tolist() == [[0, 2, 4], [1, 3, 5]]
        assert found["unequal"].tolist() == [[0, 0], [0, 0], [0, 0], [1, 1]]
        assert found["none here"].tolist() == [0, 1]
        assert found["none anywhere"].shape == (0, 4)
        assert found["strided"].tolist() == [[0, 2, 4], [1, 3, 5], [10, 12, 14], [11, 13, 15]]
        assert found["flags"].tolist() == [False, True]
        assert found["objects"] == [{"name": "x"}, {"name": "x" * 101}]


def test_one_process_is_the_first_of_one() -> None:
    x = torch.arange(4.0)
    assert (rank(), world_size()) == (0, 1)
    for result in (all_reduce_sum(x), broadcast_from_first(x), gather_rows(x)):
        assert result.tolist() == [0, 1, 2, 3]
    assert gather_objects("plain") == ["plain"]
