"""What more workers would bring: the dispatcher on virtual time, with costs and overheads that were measured."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from factorpool.engine.dispatch import Cutter, Dispatcher
from factorpool.engine.source import SequenceSource
from factorpool.strategies.simulated import Overheads, SimulatedWorkers


class Prediction(NamedTuple):
    """What so many workers would do: seconds until the last result, and how well they are used.

    `efficiency` is the part of the workers' time that goes into items, `tail` the part of it that they wait, at the
    end, for the last one.
    """

    workers: int
    seconds: float
    efficiency: float
    tail: float


def predict(
    costs: Sequence[float],
    workers: int,
    overheads: Overheads,
    schedule: str = "guided",
    chunksize: int | None = None,
    first: int = 1,
) -> Prediction:
    """Simulates a run over items of which number i costs `costs[i]` seconds.

    >>> predict([1.0] * 8, 2, Overheads()).seconds
    4.0
    >>> predict([1.0] * 8, 2, Overheads(chunk=0.5), "static").seconds
    5.0
    """
    simulated = SimulatedWorkers(costs, overheads)
    cutter = Cutter(SequenceSource(range(len(costs))), workers, schedule, chunksize, first)
    for _ in Dispatcher(cutter, simulated, lambda: (workers, None), simulated.clock, ordered=False).run():
        pass
    seconds = simulated.now
    idle = sum(seconds - end for end in simulated.ends) + (workers - len(simulated.ends)) * seconds
    space = workers * seconds or 1.0
    return Prediction(workers, seconds, sum(costs) / space, idle / space)


def list_schedule(costs: Sequence[float], workers: int) -> float:
    """Seconds when every item goes, in order and at no cost, to whoever is free first (Graham, 1966).

    No schedule that takes items in their order, and does not know their costs, does better.

    >>> list_schedule([3.0, 1.0, 1.0, 1.0, 2.0], 2)
    5.0
    """
    ends = [0.0] * workers
    for cost in costs:
        heapq.heapreplace(ends, ends[0] + cost)
    return max(ends)
