"""From the environment to devices and processes."""

from __future__ import annotations

import os
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

from audiovq.train.precision import chosen_precision


def launch(device: str = "auto", precision: str = "32-true", num_threads: int = 0) -> Fabric:
    """Join the processes that torchrun or srun has started, one per device; alone otherwise.

    The strategy only brings the processes together: gradients are summed by audiovq.train.gradients.
    """
    if num_threads:
        torch.set_num_threads(num_threads)
    per_node, num_nodes = processes_around(os.environ)
    fabric = Fabric(
        accelerator=device,
        devices=per_node,
        num_nodes=num_nodes,
        strategy="ddp" if per_node * num_nodes > 1 else "auto",
        precision=cast(Any, chosen_precision(precision, device)),
    )
    fabric.launch()
    return fabric


def processes_around(environment: os._Environ[str] | dict[str, str]) -> tuple[int, int]:
    """Processes per node, and nodes, that the launcher around us has started."""
    if TorchElasticEnvironment.detect():
        return int(environment["LOCAL_WORLD_SIZE"]), int(environment.get("GROUP_WORLD_SIZE", 1))
    if SLURMEnvironment.detect():
        num_nodes = int(environment.get("SLURM_NNODES", 1))
        return int(environment["SLURM_NTASKS"]) // num_nodes, num_nodes
    return 1, 1
