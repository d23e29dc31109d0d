"""A cluster that `auto` may choose beside what this machine has: only one that the user has named.

What the work takes here is known or was measured; what it takes there follows from the cluster's slots, the time that
its workers need to start, and what sending an item costs the caller.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

from factorpool.errors import OptionError, StrategyUnavailableError
from factorpool.pool.auto.rules import Choice, time_text
from factorpool.pool.protocol import Strategy
from factorpool.pool.starts import start_seconds
from factorpool.pool.strategies import find

PREFIX = "auto+"


class Auto:
    """`strategy="auto"` that may choose a cluster, too.

    Args:
        cluster: a strategy on other machines, as a name or a value; `strategy="auto+ray"` is `Auto("ray")`.

    It is chosen where its slots would do the work sooner than this machine, the start of its workers included; it is
    connected to only where this machine would take longer than that start alone.  Where nobody knows how many items
    there are, their rate decides.  One that cannot be reached is warned of, and the work is done here.

    Raises:
        OptionError: a strategy that is none of a cluster.

    >>> Auto("dask:tcp://127.0.0.1:8786")
    Auto(Dask('tcp://127.0.0.1:8786'))
    """

    def __init__(self, cluster: Strategy | str) -> None:
        self.cluster = find(cluster)
        if not self.cluster.traits.elastic:
            raise OptionError(f"auto considers what this machine has anyway, and {self.cluster.name} is no cluster")

    def __repr__(self) -> str:
        return f"Auto({self.cluster!r})"


def auto_of(strategy: object) -> Auto | None:
    """The cluster that is to be considered, where a strategy says so: a value, or a name such as auto+ray."""
    if isinstance(strategy, Auto):
        return strategy
    if isinstance(strategy, str) and strategy.startswith(PREFIX):
        return Auto(strategy.removeprefix(PREFIX))
    return None


class Work(NamedTuple):
    """What is left to do: `items` that take so many seconds `each` in one thread; None where nobody knows how many."""

    each: float
    items: int | None


def rather(
    here: Choice,
    workers: int,
    work: Work,
    cluster: Strategy,
    count: Callable[[], int],
    sends: Callable[[], float | None],
) -> Choice:
    """The cluster, where it would be done with the work before `workers` of this machine; else what is chosen `here`.

    `count` says how many slots of the cluster may be used, and `sends` what sending an item there costs the caller, or
    None where that cannot be.

    >>> from factorpool.pool.strategies import find
    >>> there, here = find("dask:tcp://127.0.0.1:1"), Choice(find("processes"), "the function holds the GIL")
    >>> rather(here, 2, Work(0.01, 100_000), there, lambda: 64, lambda: 1e-4).reason
    '64 slots there take 16.6 s with their start, and processes here 500 s'
    >>> rather(here, 2, Work(0.01, 150), there, lambda: 64, lambda: 1e-4).strategy.name
    'processes'
    >>> rather(here, 2, Work(0.01, 100_000), there, lambda: 64, lambda: 0.02).strategy.name
    'processes'
    """
    start, each_here = start_seconds(cluster), work.each / workers
    if work.items is not None and work.items * each_here <= start:
        return here
    if (each_sent := sends()) is None:
        return here
    try:
        slots = count()
    except StrategyUnavailableError as error:
        warnings.warn(f"factorpool stays on this machine: {error}", RuntimeWarning, stacklevel=2)
        return here
    each_there = max(each_sent, work.each / slots)
    name = f"{here.strategy.name} here"
    if work.items is None:
        if each_there >= each_here:
            return here
        every = time_text(each_there)
        return Choice(
            cluster, f"{slots} slots there have an item every {every}, and {name} every {time_text(each_here)}"
        )
    there = start + work.items * each_there
    if there >= work.items * each_here:
        return here
    return Choice(
        cluster,
        f"{slots} slots there take {time_text(there)} with their start, and {name} {time_text(work.items * each_here)}",
    )
