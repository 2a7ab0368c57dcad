"""Two processes keep one codebook, and it is the one that a single process learns from the batches of both."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from audiovq.quantize import QuantizerConfig, ResidualStack, make_quantizer
from audiovq.quantize.ema import RESTART_EVERY
from audiovq.system.distributed import gather_rows

WIDTH, SHARES, STEPS = 6, 4, 2 * RESTART_EVERY + 3
State = dict[str, Tensor]


def make() -> ResidualStack:
    torch.manual_seed(0)
    config = QuantizerConfig(codebook_size=8, codebook_dim=3, num_codebooks=2, restart_share=0.8, decay=0.8)
    stack = make_quantizer(config, WIDTH)
    assert isinstance(stack, ResidualStack)
    return stack.train()


def share(step: int, index: int) -> Tensor:
    """One of the four shares of a step's batch, of a length of its own. Step 0 and the first restarts lack some."""
    generator = torch.Generator().manual_seed(SHARES * step + index)
    missing = (step == 0 and index >= 2) or (step == RESTART_EVERY - 1 and index in (0, 1))
    return torch.randn(1, WIDTH, 0 if missing else 9 + 5 * index, generator=generator)


def learn(stack: ResidualStack, first: int, last: int) -> None:
    """Start, then update on the shares from first to last of every step, two of them at a time."""
    begin = torch.cat([share(STEPS, index)[0].T for index in range(first, last)])
    stack.start(gather_rows(begin))
    for step in range(STEPS):
        for index in range(first, last, 2):
            latent = torch.cat([share(step, index), share(step, index + 1)], dim=2)
            if step == 0 or latent.shape[2]:  # a process without data may do without forward, too
                padded = torch.cat([latent, torch.ones(1, WIDTH, 3)], dim=2)
                stack(padded, torch.tensor([1.0] * latent.shape[2] + [0.0] * 3)[None, None])
        stack.update()


def run(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    stack = make()
    torch.manual_seed(rank)  # each process has random numbers of its own
    learn(stack, 2 * rank, 2 * rank + 2)
    torch.save(stack.state_dict(), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[State]:
    folder = tmp_path_factory.mktemp("states")
    mp.spawn(run, args=(str(folder),), nprocs=2)
    return [torch.load(Path(folder) / f"{rank}.pt") for rank in range(2)]


def test_two_processes_keep_one_codebook(of_two_processes: list[State]) -> None:
    first, second = of_two_processes
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_two_processes_learn_what_one_learns(of_two_processes: list[State]) -> None:
    alone = make()
    learn(alone, 0, SHARES)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(of_two_processes[0][name], value, msg=name)
