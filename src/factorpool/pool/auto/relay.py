"""Workers that hand over to others in the middle of a run, so that no chunk is left behind with those before."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from factorpool.pool.protocol import Chunk, Event, Workers

SLICE_SECONDS = 0.005
"""How long one kind of worker is waited for, while another is at work too."""


class Relay:
    """Hands new chunks to the last of several workers, and waits for those before it until they hold nothing.

    `hand_over_to` is the only way to change workers, and it keeps those before: none with a chunk is ever forgotten.
    """

    def __init__(self, first: Workers, clock: Callable[[], float]) -> None:
        self._former: list[Workers] = []
        self._last = first
        self._clock = clock

    def hand_over_to(self, workers: Workers) -> None:
        """From now on, new chunks go to these workers."""
        self._former.append(self._last)
        self._last = workers

    @property
    def held(self) -> Collection[int]:
        """What all of them hold."""
        if not self._former:
            return self._last.held
        return {start for workers in (*self._former, self._last) for start in workers.held}

    @property
    def held_by_former(self) -> int:
        """How many chunks are still in workers that get no new ones."""
        return sum([len(workers.held) for workers in self._former])

    @property
    def held_by_last(self) -> int:
        """How many chunks are in the workers that get the new ones."""
        return len(self._last.held)

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to the last workers."""
        self._last.submit(chunk)

    def wait(self, timeout: float | None) -> list[Event]:
        """What some of them have completed."""
        others = [workers for workers in self._former if workers.held]
        if not others:
            return self._last.wait(timeout)
        last = self._last if self._last.held else others.pop()
        deadline = self._clock() + (math.inf if timeout is None else timeout)
        while True:
            for workers in others:
                if done := workers.wait(0):
                    return done
            remaining = max(0.0, deadline - self._clock())
            if (done := last.wait(min(SLICE_SECONDS, remaining))) or not remaining:
                return done

    def wake(self) -> None:
        """Ends the `wait` of another thread."""
        for workers in (self._last, *self._former):
            workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Frees all of them."""
        for workers in (self._last, *self._former):
            workers.close(graceful=graceful)
