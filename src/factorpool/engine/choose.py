"""`strategy="auto"`: which strategy a task gets, and why, by rules whose numbers were measured."""

from __future__ import annotations

from typing import NamedTuple

from factorpool import strategies
from factorpool._tasks import FactorTask, Task

THREADS_FROM = 4_000
"""Numbers for the kernel from which threads pay: starting two costs some 0.2 ms, a 32-bit number some 0.1 us."""

PROCESS_BITS = 128
"""Integers up to this size take at most some 20 ms each; longer ones can take hours, during which only another process
can be interrupted."""

THREAD_BITS = 81
"""Integers up to this size are almost all the kernel's work; longer primes take python-flint half a millisecond to
prove."""

BIG_THREADS_FROM = 20
"""Numbers beyond 64 bits from which threads pay."""


class Choice(NamedTuple):
    """A strategy, and why in one sentence."""

    strategy: str
    reason: str


def choose(task: Task, items: object, total: int | None, workers: int) -> Choice:
    """The strategy for a task on `items`, of which there are `total` if that is known."""
    if isinstance(task, FactorTask) and task.method != "naive":
        if isinstance(items, list):
            return _big(items, workers)
        if workers == 1:
            return Choice("serial", "there is one CPU to use")
        if total is not None and total < THREADS_FROM:
            return Choice("serial", f"{total} numbers are done before threads have started")
        if strategies.unavailable("threads") is None:
            return Choice("threads", "the kernel releases the GIL")
        return Choice("serial", "threads are not available")
    if workers == 1:
        return Choice("serial", "there is one CPU to use")
    if total is not None and total < 2:
        return Choice("serial", "there is nothing to share")
    if (reason := strategies.unavailable("processes")) is not None:
        return Choice("serial", reason)
    return Choice("processes", "a Python function holds the GIL")


def _big(items: list[int], workers: int) -> Choice:
    """For lists of ints with some beyond 64 bits, which may take python-flint, holding the GIL."""
    longest = max(items, default=0).bit_length()
    if (reason := strategies.unavailable("processes")) is not None:
        return Choice("serial", reason)
    if longest > PROCESS_BITS:
        return Choice("processes", f"a number of {longest} bits may take long, and only a process can be stopped")
    if workers == 1 or len(items) < 2:
        return Choice("serial", "there is nothing to share")
    if longest <= THREAD_BITS:
        if len(items) < BIG_THREADS_FROM:
            return Choice("serial", f"{len(items)} numbers are done before threads have started")
        if strategies.unavailable("threads") is None:
            return Choice("threads", "the kernel releases the GIL")
    return Choice("processes", "python-flint holds the GIL")
