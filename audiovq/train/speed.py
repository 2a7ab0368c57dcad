"""How fast a run hears its data, and how long it waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SpeedMeter:
    """Measures since its construction or the last reset."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self._began, self._waited, self._audio, self._steps = self._clock(), 0.0, 0.0, 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what fetches the next batch."""
        began = self._clock()
        try:
            yield
        finally:
            self._waited += self._clock() - began

    def heard(self, audio_seconds: float) -> None:
        """One more step is done, on so much audio."""
        self._audio += audio_seconds
        self._steps += 1

    @property
    def wall_seconds(self) -> float:
        return self._clock() - self._began

    @property
    def seconds_per_step(self) -> float:
        """All the time there was before any step is done."""
        return self.wall_seconds / max(1, self._steps)

    @property
    def audio_seconds_per_second(self) -> float:
        """0 before any time has passed."""
        wall = self.wall_seconds
        return self._audio / wall if wall else 0.0

    @property
    def waiting_share(self) -> float:
        """Of the time, from 0 to 1."""
        wall = self.wall_seconds
        return self._waited / wall if wall else 0.0
