"""Two processes keep one codebook, and it is the one that a single process learns from both their batches."""

from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from audiovq.quantize import EMACodebook, QuantizerConfig
from audiovq.quantize.ema import RESTART_EVERY

WIDTH = 6


def make() -> EMACodebook:
    torch.manual_seed(0)
    return EMACodebook(QuantizerConfig(codebook_size=8, codebook_dim=3, restart_share=0.8, decay=0.8), WIDTH)


def batches(rank: int, num_batches: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(rank)
    return [torch.randn(1, WIDTH, 30, generator=generator) for _ in range(num_batches)]


def run(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    averaging = make()
    averaging.is_started.fill_(True)
    for latent in batches(rank, RESTART_EVERY - 1):
        averaging(latent)
    whole = make()
    torch.manual_seed(rank)  # each process has its own data and its own random numbers
    whole.start(batches(rank, 2)[0][0].T)
    for latent in batches(rank, 2 * RESTART_EVERY + 1):
        whole(latent)
    torch.save({"averaging": averaging.state_dict(), "whole": whole.state_dict()}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_keep_one_codebook(tmp_path: Path) -> None:
    mp.spawn(run, args=(str(tmp_path),), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for name, value in first["whole"].items():  # start and restarts drew random numbers
        assert torch.equal(value, second["whole"][name]), name
    alone = make()
    alone.is_started.fill_(True)
    for ours, theirs in zip(batches(0, RESTART_EVERY - 1), batches(1, RESTART_EVERY - 1), strict=True):
        alone(torch.cat([ours, theirs], dim=2))
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(first["averaging"][name], value)
