"""Workers that stay between runs: a shelf for each strategy, and the shelves that all calls of the program share.

A call takes the workers that are on the shelf and puts back those that are idle at its end, so the next one starts
none.  Workers of the shared shelves end after KEEP_SECONDS without work, at exit, and in a copy of the program that
was forked; those of a `Pool` stay until it is shut down.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import Protocol

from factorpool.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.protocol import Strategy

KEEP_VARIABLE = "FACTORPOOL_KEEP_SECONDS"

KEEP_SECONDS = 30.0
"""How long idle workers wait for the next call: they hold about 10 MB each, beside what they have imported."""

END_SECONDS = 1.0
"""How long workers that are told to end are waited for, before they are killed."""

LEAST_MEMORY = 0.1
"""With a smaller part of the machine's memory available, idle workers end at once."""


class Resting(Protocol):
    """A worker that can rest on a shelf.  `task` is the number of the task that it has taken up; 0 for none."""

    task: int

    def alive(self) -> bool:
        """Whether it can still work."""

    def up_to_date(self) -> bool:
        """Whether it knows nothing that has changed since it started."""

    def rest(self, seconds: float | None) -> None:
        """Has it drop what the last run has left, and end by itself after so many seconds, unless a run takes it."""

    def tell_to_end(self) -> None:
        """Has it end by itself; does not wait for that."""

    def join(self, seconds: float) -> None:
        """Waits for its end, for at most so long."""

    def free(self) -> None:
        """Frees all that it holds, once it has ended, or has had its time for that."""


class Shelf:
    """Idle workers of one strategy, the last that came first; any thread may take and put."""

    def __init__(self, keep_seconds: float | None) -> None:
        self._keep = keep_seconds
        self._idle: list[Resting] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def shared(self) -> bool:
        """Whether all calls of the program use it, and not those of one pool."""
        return self._keep is not None

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, task: int) -> Resting | None:
        """A worker that can still be used, if there is one: rather one that has taken up this task."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                at = next((i for i, worker in enumerate(self._idle) if worker.task == task), -1)
                worker = self._idle.pop(at)
            if worker.alive() and (worker.task == task or worker.up_to_date()):
                return worker
            end([worker])

    def put(self, worker: Resting) -> None:
        """Keeps a worker that is idle, for this run and all others."""
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                return
        end([worker])

    def lay_down(self, task: int) -> None:
        """The run of this task is over: workers drop it, and end unless another run takes them before long."""
        with self._lock:
            laid = [worker for worker in self._idle if worker.task == task]
            if laid and self._keep is not None and memory_is_short():
                self._idle = [worker for worker in self._idle if worker.task != task]
            else:
                for worker in laid:
                    worker.rest(self._keep)
                laid = []
        end(laid)

    def close(self) -> None:
        """Ends all that rest here, and all that are put from now on."""
        with self._lock:
            self._closed = True
        self.clear()

    def clear(self) -> None:
        """Ends all that rest here."""
        with self._lock:
            resting, self._idle = self._idle, []
        end(resting)

    def forget(self) -> None:
        """In a copy of the program that was forked: these workers are not its own."""
        self._lock = threading.Lock()
        self._idle = []


def end(workers: list[Resting]) -> None:
    """Ends workers, side by side."""
    for worker in workers:
        worker.tell_to_end()
    deadline = time.monotonic() + END_SECONDS
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        worker.free()


def memory_is_short() -> bool:
    """Whether the machine has little memory left; False where Linux does not say."""
    try:
        with open("/proc/meminfo") as file:
            sizes = {line.split(":")[0]: int(line.split()[1]) for line in file.readlines()[:3]}
        return sizes["MemAvailable"] < LEAST_MEMORY * sizes["MemTotal"]
    except (OSError, KeyError, ValueError):
        return False


def keep_seconds() -> float:
    """How long shared workers are kept: KEEP_SECONDS, or what the environment says; 0 keeps none."""
    text = os.environ.get(KEEP_VARIABLE, "")
    if not text:
        return KEEP_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise OptionError(f"the environment variable {KEEP_VARIABLE} must be a number of seconds, not {text!r}")
    return seconds


class Shelves:
    """A shelf for each strategy that is asked for; equal strategies share one."""

    def __init__(self, keep: float | None) -> None:
        self._keep = keep
        self._shelves: dict[Strategy, Shelf] = {}
        self._lock = threading.Lock()

    def of(self, strategy: Strategy) -> Shelf:
        """The shelf of a strategy."""
        with self._lock:
            if strategy not in self._shelves:
                self._shelves[strategy] = Shelf(self._keep)
            return self._shelves[strategy]

    def close(self) -> None:
        """Ends all workers on all shelves, and those that come there later."""
        for shelf in list(self._shelves.values()):
            shelf.close()

    def clear(self) -> None:
        """Ends all workers on all shelves."""
        for shelf in list(self._shelves.values()):
            shelf.clear()

    def forget(self) -> None:
        """In a copy of the program that was forked."""
        self._lock = threading.Lock()
        for shelf in self._shelves.values():
            shelf.forget()


_shared: dict[float, Shelves] = {}  # by how long they keep


def shared() -> Shelves | None:
    """The shelves of all calls that have no pool of their own; None where nothing is to be kept."""
    if (keep := keep_seconds()) == 0:
        return None
    found = _shared.get(keep)
    return found if found is not None else _shared.setdefault(keep, Shelves(keep))


def close_shared() -> None:
    """Ends the idle workers that calls share; later calls start new ones."""
    for shelves in list(_shared.values()):
        shelves.clear()


def _forget_shared() -> None:
    for shelves in _shared.values():
        shelves.forget()


atexit.register(close_shared)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_shared)
