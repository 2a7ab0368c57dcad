"""Processes on this machine that begin with everything imported, alone or as torchrun would start them."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

import torch.multiprocessing as torch_multiprocessing

# One clean process imports what takes seconds, and all others are forked from it.
multiprocessing.set_forkserver_preload(
    ["audiovq", "tests.recipes.tiny_run", "tests.train.toy", "torch.utils.tensorboard"]
)


def start(function: Callable[..., Any], *args: Any) -> ForkServerProcess:
    """Call ``function(*args)`` in a process of its own."""
    process = multiprocessing.get_context("forkserver").Process(target=_begin, args=(function, args))
    process.start()
    return process


def _begin(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    multiprocessing.set_start_method("fork", force=True)  # for data loaders: no such process again for each of them
    function(*args)


def run_together(world_size: int, function: Callable[..., Any], *args: Any) -> None:
    """Call ``function(*args)`` in every one of ``world_size`` processes of one gloo group to be."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch_multiprocessing.start_processes(
        _member, args=(world_size, port, function, args), nprocs=world_size, start_method="forkserver"
    )


def _member(rank: int, world_size: int, port: int, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    names: dict[str, object] = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": world_size,
        "LOCAL_WORLD_SIZE": world_size,
    }
    names |= {"GROUP_RANK": 0, "GROUP_WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()} | {"TORCHELASTIC_RUN_ID": "test"})
    _begin(function, args)
