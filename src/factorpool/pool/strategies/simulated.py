"""`simulated`: workers on virtual time, for any number of them, with given costs of items and overheads.

The dispatcher that drives them is the real one, so what it predicts is what it would do: a test bed for schedules, and
a prediction for machines that are not at hand.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import NamedTuple

from factorpool.pool.protocol import Chunk, Done, Event, Free


class Overheads(NamedTuple):
    """What running elsewhere costs, in seconds.

    `start` and `chunk` are the caller's own time, one after the other: to start a worker, to send a chunk and take its
    answer.  `ready` and `travel` pass in the worker: from its start to its first chunk, and for each chunk beside its
    items.
    """

    start: float = 0.0
    ready: float = 0.0
    chunk: float = 0.0
    travel: float = 0.0


class SimulatedWorkers:
    """Slots that pass time instead of running chunks.  Item i costs `costs[i]` seconds of virtual time."""

    def __init__(self, costs: Sequence[float], overheads: Overheads) -> None:
        self.now = 0.0
        self.ends: list[float] = []
        """When each worker ended its last chunk."""
        self._until = list(accumulate(costs, initial=0.0))
        self._overheads = overheads
        self._idle: list[int] = []  # workers, a heap: the first free is the first used
        self._held: set[int] = set()
        self._running: list[tuple[float, int, Chunk, float]] = []  # a heap by end: (end, worker, chunk, seconds)

    def clock(self) -> float:
        """Virtual time, for the dispatcher."""
        return self.now

    @property
    def held(self) -> Collection[int]:
        """What is running."""
        return self._held

    def submit(self, chunk: Chunk) -> None:
        """Has an idle worker, or a new one, run the chunk."""
        self.now += self._overheads.chunk
        if self._idle:
            worker = heapq.heappop(self._idle)
            begin = self.now
        else:
            worker = len(self.ends)
            self.ends.append(0.0)
            self.now += self._overheads.start
            begin = self.now + self._overheads.ready
        self._held.add(chunk.start)
        seconds = self._until[chunk.start + len(chunk.payload)] - self._until[chunk.start]
        heapq.heappush(self._running, (begin + seconds + self._overheads.travel, worker, chunk, seconds))

    def wait(self, timeout: float | None) -> list[Event]:
        """Passes time until the next chunk is done, at most `timeout`, and gives all that are."""
        if not self._running:
            return []
        due = self._running[0][0]
        if timeout is not None and due > self.now + timeout:
            self.now += timeout
            return []
        self.now = max(self.now, due)
        done: list[Event] = []
        while self._running and self._running[0][0] <= self.now:
            end, worker, chunk, seconds = heapq.heappop(self._running)
            self.ends[worker] = end
            self._held.remove(chunk.start)
            heapq.heappush(self._idle, worker)
            done += [Done(chunk.start, len(chunk.payload), None, seconds), Free(chunk.start)]
        return done

    def wake(self) -> None:
        """Nobody else is there who could."""

    def close(self, *, graceful: bool) -> None:
        """Nothing to free."""
