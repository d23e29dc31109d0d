"""The rules of `strategy="auto"`: from what is known beforehand, or was measured, to a strategy and the reason for it.

A task that knows its own costs gives a hint.  Python functions are not known: `probe` runs a few items to see what they
cost, and `decide` compares what each strategy would take for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from factorpool.pool.auto.machine import Machine
from factorpool.pool.gil import gil_note
from factorpool.pool.inside import is_worker
from factorpool.pool.protocol import Place, Strategy, Task


class Choice(NamedTuple):
    """A strategy, and why in one sentence."""

    strategy: Strategy
    reason: str


def choose(
    task: Task,
    items: object,
    total: int | None,
    count: Callable[[], int],
    machine: Machine,
    stoppable: bool = False,
    measuring: bool = False,
) -> Choice | None:
    """The strategy for a task on `items`, `total` of them if that is known; None if it has to be measured.

    `count` says how many workers there may be; it is asked late, for it takes as long as some hundred numbers.
    `stoppable` says that items may have to be stopped, `measuring` that what is known beforehand is not enough.
    """
    if stoppable:
        apart = machine.candidate(Place.APART, stopping=True).strategy
        return Choice(apart, "only a process can be stopped when its time is over")
    if is_worker():
        here = machine.candidate(Place.HERE).strategy
        return Choice(here, "this is a worker already, and the other CPUs have theirs")
    hint = None if measuring else task.hint(items, total, count)
    if hint is None:
        return None
    candidate = machine.candidate(hint.place)
    if candidate.obstacle is not None:
        return None if task.taints else Choice(machine.candidate(Place.HERE).strategy, candidate.obstacle)
    if hint.seconds is not None:
        workers, start = count(), machine.start_seconds(candidate.strategy, count())
        if hint.seconds * (1 - 1 / workers) < start:
            return Choice(
                machine.candidate(Place.HERE).strategy,
                f"the {time_text(hint.seconds)} that it may take are over before {candidate.strategy.name} are worth "
                f"their start ({time_text(start)})",
            )
    return Choice(candidate.strategy, hint.reason)


class Measures(NamedTuple):
    """What a few items have told, in seconds.

    `each` item takes; `remaining` are left (None: nobody knows).  `sends` is what sending an item to another process
    and its result back costs the caller, None where `obstacle` says why it cannot be.
    """

    each: float
    remaining: int | None
    sends: float | None
    obstacle: str


def decide(measures: Measures, workers: int, here: Strategy, elsewhere: Strategy, start: float) -> Choice:
    """Chooses, for a function that holds the GIL, between continuing `here` and moving to `elsewhere`.

    The workers there take `start` seconds to come up.

    >>> from factorpool.pool.strategies import find
    >>> here, there = find("serial"), find("processes")
    >>> decide(Measures(0.01, 1000, 1e-4, ""), 2, here, there, 0.1).strategy.name
    'processes'
    >>> decide(Measures(0.01, 10, 1e-4, ""), 2, here, there, 0.1).reason
    'the 100 ms that are left are over before processes are worth their start (100 ms)'
    >>> decide(Measures(0.01, 1000, 0.05, ""), 2, here, there, 0.1).reason
    'an item takes 10 ms, and to send it to another process 50 ms'
    """
    each, remaining, sends, obstacle = measures
    if sends is None:
        return Choice(here, f"a second thread did not help, and {obstacle}")
    there = max(sends, (each + sends) / workers)
    if there >= each:
        return Choice(here, f"an item takes {time_text(each)}, and to send it to another process {time_text(sends)}")
    if remaining is not None and start + remaining * there >= remaining * each:
        left, start_time = time_text(remaining * each), time_text(start)
        return Choice(
            here, f"the {left} that are left are over before {elsewhere.name} are worth their start ({start_time})"
        )
    note = f" ({gil_note()})" if gil_note() else ""
    return Choice(elsewhere, f"an item takes {time_text(each)}, and a second thread did not help{note}")


def time_text(seconds: float) -> str:
    """Seconds as people say them.

    >>> time_text(0.0123)
    '12.3 ms'
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
