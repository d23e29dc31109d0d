"""`strategy="auto"`: which strategy a task gets, and why.

The kernel is known beforehand, and goes by rules whose numbers were measured.  Python functions are not: `probe` runs
a few items to see what they cost, and `decide` compares what each strategy would take for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from factorpool.factoring.tasks import FactorTask, MapTask, Task
from factorpool.pool import strategies
from factorpool.pool.gil import gil_note
from factorpool.pool.protocol import is_worker

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


def choose(task: Task, items: object, total: int | None, count: Callable[[], int]) -> Choice | None:
    """The strategy for a task on `items`, `total` of them if that is known; None if it has to be measured.

    `count` says how many workers there may be; it is asked late, for it takes as long as some hundred numbers.
    """
    if is_worker():
        return Choice("serial", "this is a worker already, and the other CPUs have theirs")
    if isinstance(task, FactorTask) and task.method != "naive":
        if isinstance(items, list):
            return _big(items, count)
        if total is not None and total < THREADS_FROM:
            return Choice("serial", f"so few numbers ({total}) are done before threads have started")
        if count() == 1:
            return Choice("serial", "there is one CPU to use")
        if strategies.unavailable("threads") is None:
            return Choice("threads", "the kernel releases the GIL")
        return Choice("serial", "threads are not available")
    if total is not None and total < 2:
        return Choice("serial", "there is nothing to share")
    if isinstance(task, MapTask) and task.initializer is not None and strategies.unavailable("processes") is None:
        return Choice("processes", "an initializer prepares workers, and should leave this process alone")
    return None


def _big(items: list[int], count: Callable[[], int]) -> Choice:
    """For lists of ints with some beyond 64 bits, which may take python-flint, holding the GIL."""
    longest = max(items, default=0).bit_length()
    if (reason := strategies.unavailable("processes")) is not None:
        return Choice("serial", reason)
    if longest > PROCESS_BITS:
        return Choice("processes", f"a number of {longest} bits may take long, and only a process can be stopped")
    if len(items) < 2 or count() == 1:
        return Choice("serial", "there is nothing to share")
    if longest <= THREAD_BITS:
        if len(items) < BIG_THREADS_FROM:
            return Choice("serial", f"so few numbers ({len(items)}) are done before threads have started")
        if strategies.unavailable("threads") is None:
            return Choice("threads", "the kernel releases the GIL")
    return Choice("processes", "python-flint holds the GIL")


class Measures(NamedTuple):
    """What a few items have told, in seconds.

    `each` item takes; `remaining` are left (None: nobody knows).  `sends` is what sending an item to another process
    and its result back costs the caller, None where `obstacle` says why it cannot be.
    """

    each: float
    remaining: int | None
    sends: float | None
    obstacle: str


def decide(measures: Measures, workers: int, elsewhere: str, start: float) -> Choice:
    """For a function that holds the GIL: on, here, or `elsewhere`, where workers need `start` seconds.

    >>> decide(Measures(0.01, 1000, 1e-4, ""), 2, "processes", 0.1).strategy
    'processes'
    >>> decide(Measures(0.01, 10, 1e-4, ""), 2, "processes", 0.1).reason
    'the 100 ms that are left are over before processes are worth their start (100 ms)'
    >>> decide(Measures(0.01, 1000, 0.05, ""), 2, "processes", 0.1).reason
    'an item takes 10 ms, and to send it to another process 50 ms'
    """
    each, remaining, sends, obstacle = measures
    if sends is None:
        return Choice("serial", f"a second thread did not help, and {obstacle}")
    there = max(sends, (each + sends) / workers)
    if there >= each:
        return Choice("serial", f"an item takes {_time(each)}, and to send it to another process {_time(sends)}")
    if remaining is not None and start + remaining * there >= remaining * each:
        left, start_time = _time(remaining * each), _time(start)
        return Choice(
            "serial", f"the {left} that are left are over before {elsewhere} are worth their start ({start_time})"
        )
    note = f" ({gil_note()})" if gil_note() else ""
    return Choice(elsewhere, f"an item takes {_time(each)}, and a second thread did not help{note}")


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
