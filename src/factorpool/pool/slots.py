"""How many workers the calls of one pool may have between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from factorpool.pool.protocol import Chunk, Died, Event, Free, Workers


class Slots:
    """How many workers the calls of a pool may have between them."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many are in no use; never below zero."""
        return max(0, self._free)

    def add(self, count: int) -> None:
        """So many are free again; or in use, if negative."""
        with self._lock:
            self._free += count


class SlottedWorkers:
    """Workers that count what they use of a pool's slots."""

    def __init__(self, workers: Workers, slots: Slots) -> None:
        self._workers = workers
        self._slots = slots

    @property
    def held(self) -> Collection[int]:
        """What the workers hold."""
        return self._workers.held

    def submit(self, chunk: Chunk) -> None:
        """Takes a slot."""
        self._workers.submit(chunk)
        self._slots.add(-1)

    def wait(self, timeout: float | None) -> list[Event]:
        """Gives slots back as chunks end."""
        events = self._workers.wait(timeout)
        if ended := sum(isinstance(event, Free | Died) for event in events):
            self._slots.add(ended)
        return events

    def wake(self) -> None:
        """Ends the `wait` of another thread."""
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Gives all slots back."""
        used = len(self._workers.held)
        self._workers.close(graceful=graceful)
        self._slots.add(used)


def slotted(
    workers: Workers, limits: Callable[[], tuple[int, int | None]], slots: Slots
) -> tuple[Workers, Callable[[], tuple[int, int | None]]]:
    """Workers and their limits, for a run that shares a pool's slots with others.

    It may have as many chunks in flight as it has, and as there are slots beside, but at least one: a call that is
    made while the results of another are being taken would else wait for ever.
    """
    counted = SlottedWorkers(workers, slots)

    def limited() -> tuple[int, int | None]:
        count, size = limits()
        return max(1, min(count, len(workers.held) + slots.free)), size

    return counted, limited
