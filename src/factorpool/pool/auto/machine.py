"""What `auto` asks of the machine it runs on: its clocks, its GIL, and which strategies can run there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from factorpool.pool.gil import gil_enabled
from factorpool.pool.protocol import Place, Strategy
from factorpool.pool.shelf import Shelves
from factorpool.pool.starts import start_seconds
from factorpool.pool.strategies import candidates

WARM_SECONDS = 0.001
"""What it takes until workers that rest on a shelf have a new task."""


class Candidate(NamedTuple):
    """The strategy for a place; or why there is none, as said of the one that would be it."""

    strategy: Strategy
    obstacle: str | None


class Machine:
    """This machine.  Tests have others, whose time they move by hand.

    `options` are those that the user gave for whatever strategy is chosen, `shelves` says where idle workers rest.
    """

    def __init__(
        self, options: dict[str, object] | None = None, shelves: Callable[[], Shelves | None] | None = None
    ) -> None:
        self._options = options or {}
        self._shelves = shelves

    def candidate(self, place: Place, stopping: bool = False) -> Candidate:
        """The strategy for a place: of those that can run here the one that stops items, then the simplest.

        With `stopping`, only those that stop items count.
        """
        first: Candidate | None = None
        for strategy in candidates(place, **self._options):
            if strategy.traits.stops_items or not stopping:
                obstacle = strategy.why_unavailable()
                if obstacle is None:
                    return Candidate(strategy, None)
                first = first or Candidate(strategy, obstacle)
        assert first is not None
        return first

    def wall(self) -> float:
        """Seconds since some moment."""
        return time.perf_counter()

    def cpu(self) -> float:
        """Seconds of CPU time that all threads of this process have used together."""
        return time.process_time()

    def delay(self) -> float:
        """Seconds that this thread has waited for a CPU since it began; 0 where Linux does not say."""
        try:
            with open("/proc/thread-self/schedstat") as file:
                return int(file.read().split()[1]) * 1e-9
        except OSError:
            return 0.0

    def gil_enabled(self) -> bool:
        """Whether Python code runs one thread at a time."""
        return gil_enabled()

    def start_seconds(self, strategy: Strategy, count: int) -> float:
        """How long so many workers of a strategy take to start, or to be taken from the shelf."""
        shelves = None if self._shelves is None else self._shelves()
        if shelves is not None and len(shelves.of(strategy)) >= count:
            return WARM_SECONDS
        return start_seconds(strategy)


def place_of(strategy: Strategy) -> Place:
    """Where a strategy runs work, by its traits."""
    if strategy.traits.rank == 0:
        return Place.HERE
    return Place.APART if strategy.traits.remote else Place.BESIDE
