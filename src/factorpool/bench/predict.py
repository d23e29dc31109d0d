"""What more workers would bring: the dispatcher on virtual time, with costs and overheads that were measured."""

from __future__ import annotations

import heapq
import statistics
import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from factorpool.bench.result import Case, Predictions, Result
from factorpool.bench.subject import Subject
from factorpool.pool.dispatcher import Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Done, Event, Free, Task, TaskRef, Workers
from factorpool.pool.shelf import close_shared
from factorpool.pool.source import SequenceSource
from factorpool.pool.strategies import find
from factorpool.pool.strategies.simulated import Overheads, SimulatedWorkers


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


def item_costs(task: Task, payload: Any) -> list[float]:
    """Seconds for every item: of numbers that the kernel factors, which works on many at once, a share of a chunk."""
    size = task.first_chunk
    costs: list[float] = []
    for start in range(0, len(payload), size):
        chunk = payload[start : start + size]
        (piece,) = task.pieces(chunk, start, bytearray(1), 0.0)
        costs += [piece.seconds / len(chunk)] * len(chunk)
    return costs


class _Timed:
    """Workers that keep how long each chunk took to be sent, and was away beyond its items' time."""

    def __init__(self, workers: Workers) -> None:
        self.sending: list[float] = []
        self.away: list[float] = []
        self._workers = workers
        self._sent: dict[int, float] = {}
        self._seconds: dict[int, float] = {}

    @property
    def held(self) -> Collection[int]:
        return self._workers.held

    def submit(self, chunk: Chunk) -> None:
        began = time.perf_counter()
        self._workers.submit(chunk)
        self._sent[chunk.start] = time.perf_counter()
        self.sending.append(self._sent[chunk.start] - began)

    def wait(self, timeout: float | None) -> list[Event]:
        events = self._workers.wait(timeout)
        for event in events:
            if isinstance(event, Done):
                self._seconds[event.start] = self._seconds.get(event.start, 0.0) + event.seconds
            elif isinstance(event, Free):
                self.away.append(time.perf_counter() - self._sent[event.start] - self._seconds.get(event.start, 0.0))
        return events

    def wake(self) -> None:
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        self._workers.close(graceful=graceful)


def measure_overheads(strategy: str, task: Task, payload: Any) -> Overheads:
    """What a strategy costs here beside the items' own time: a run of one worker, the first chunk set apart."""
    timed = _Timed(find(strategy).open(TaskRef(task), 1, None))
    cutter = Cutter(SequenceSource(payload), 1, "dynamic", max(1, len(payload) // 20), task.first_chunk)
    for _ in Dispatcher(cutter, timed, lambda: (1, None), time.perf_counter).run():
        pass
    chunk, travel = statistics.median(timed.sending[1:]), max(0.0, statistics.median(timed.away[1:]))
    return Overheads(timed.sending[0] - chunk, max(0.0, timed.away[0] - travel), chunk, travel)


MEASURED = (1, 2)
"""Workers with which a prediction is held against real runs."""


def predict_for(
    result: Result,
    subject: Subject,
    method: str,
    counts: Sequence[int],
    repeat: int,
    costs: Sequence[float],
    all_costs: Sequence[float] | None = None,
) -> Predictions:
    """Predicts, for the parallel strategy that was fastest with a method, what `counts` workers would do.

    `costs` are those of the subject's items, `all_costs` those of what is predicted, if the subject is a sample of it.
    One worker and two are predicted for the subject itself, and run: `met` is how well that went.
    """
    cases = [case for case in result.measured(method) if case.strategy != "serial"]
    # With many workers what counts is not how long a few take to start.
    strategy = min(cases, key=lambda case: statistics.median(case.warm or case.seconds)).strategy
    task = subject.task(method)
    overheads = measure_overheads(strategy, task, subject.payload)

    def predicted(workers: int, costs: Sequence[float]) -> Prediction:
        return predict(costs, workers, overheads, result.schedule, first=task.first_chunk)

    seconds: dict[int, list[float]] = {workers: [] for workers in MEASURED}
    for _ in range(repeat):
        for workers in MEASURED:
            close_shared()  # what is predicted starts its workers
            began = time.perf_counter()
            subject.run(Case(method, strategy, workers), lambda close: None)
            seconds[workers].append(time.perf_counter() - began)
    met = {
        str(workers): predicted(workers, costs).seconds / statistics.median(seconds[workers]) for workers in MEASURED
    }
    costs = all_costs or costs
    rows = [
        {**row._asdict(), "speedup": sum(costs) / row.seconds, "bound": list_schedule(costs, row.workers)}
        for row in (predicted(count, costs) for count in counts)
    ]
    return Predictions(method, strategy, result.schedule, overheads._asdict(), met, rows)
