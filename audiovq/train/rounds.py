"""Work on held-out data shared by the processes, which may be asked to stop at any batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from audiovq.system.distributed import world_size

T = TypeVar("T")


def in_rounds(own: Iterable[T], num_batches: int, go_on: Callable[[], bool], look: Callable[[T], None]) -> bool:
    """Call ``look`` with every batch of this process, if ``go_on`` agrees; whether all were looked at.

    ``go_on`` is asked before each round, of which all processes have equally many, also those with a batch less.

    Args:
        own: this process's batches: every world_size-th of ``num_batches``
    """
    batches = iter(own)
    for _ in range(0, num_batches, world_size()):
        if not go_on():
            return False
        batch = next(batches, None)
        if batch is not None:
            look(batch)
    return True
