"""From one worker to every CPU of the machine, beside what the simulation says.

    python benchmarks/cores.py                  # 1, 2, 4, ... workers: some minutes
    python benchmarks/cores.py --digits 80 85   # only such numbers, with all CPUs

A gain is the time of one worker over that of so many, each the median of ROUNDS runs in turn; what is predicted comes
from the costs of a serial run and the overheads of the strategy, both measured here, by the real dispatcher on virtual
time.  The simulation knows neither a clock that falls when more cores work nor memory that they share.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from common import save
from long import measure

import factorpool as fp
from factorpool.article import factorize_naive
from factorpool.bench.predict import item_costs, measure_overheads, predict
from factorpool.bench.workloads import article, uniform
from factorpool.factoring.block import Block
from factorpool.factoring.numbers import normalize
from factorpool.factoring.tasks import FactorTask
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.protocol import Task
from factorpool.pool.task import MapTask

ROUNDS = 3
DIGITS = 68


class Work(NamedTuple):
    """Items, how a public function runs them on so many workers, and how the engine sees them."""

    name: str
    strategy: str
    run: Callable[[int], object]
    task: Task
    payload: Any


def works() -> list[Work]:
    """Those that take some seconds with one worker."""
    words = np.array(uniform(64)(2_000_000), dtype=np.uint64)
    block, run = normalize(words), range(10**12, 10**12 + 20_000_000)
    slow = article(600)

    def factored(numbers: Any, strategy: str) -> Callable[[int], object]:
        return lambda workers: fp.factor_many(numbers, strategy=strategy, max_workers=workers)

    def streamed(workers: int) -> None:
        for _ in fp.factor_stream(run, strategy="threads", max_workers=workers):
            pass

    def mapped(workers: int) -> list[list[int]]:
        return list(fp.pmap(factorize_naive, slow, strategy="processes", max_workers=workers))

    kernel, sieve = FactorTask("auto", block), FactorTask("auto", Block(run))
    return [
        Work("2 million 64-bit integers", "threads", factored(words, "threads"), kernel, block),
        Work("2 million 64-bit integers", "processes", factored(words, "processes"), kernel, block),
        Work("20 million from 10^12, a range", "threads", factored(run, "threads"), sieve, Block(run)),
        Work("the same, streamed", "threads", streamed, sieve, Block(run)),
        Work("600 of the article, naive method", "processes", mapped, MapTask(factorize_naive, False), slow),
    ]


def compared(work: Work, counts: list[int]) -> dict[str, Any]:
    """Runs and predicts it for all the counts; prints the row, too."""
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    work.run(counts[-1])  # what starts only once has started
    for _ in range(ROUNDS):
        for count in counts:
            began = time.perf_counter()
            work.run(count)
            seconds[count].append(time.perf_counter() - began)
    sample = work.payload[: len(work.payload) // 20]
    for _ in range(2):
        overheads = measure_overheads(work.strategy, work.task, sample)
    costs = item_costs(work.task, work.payload)
    groups = max(1, len(costs) // 20_000)
    costs = [sum(costs[at : at + groups]) for at in range(0, len(costs), groups)]
    medians = {count: statistics.median(times) for count, times in seconds.items()}
    first = max(1, work.task.first_chunk // groups)
    predicted = {count: predict(costs, count, overheads, first=first).seconds for count in counts}
    row = {
        "work": work.name,
        "strategy": work.strategy,
        "seconds": medians,
        "gain": {count: medians[1] / medians[count] for count in counts},
        "predicted_gain": {count: predicted[1] / predicted[count] for count in counts},
    }
    print(
        work.name, work.strategy, {key: rounded(row[key]) for key in ("seconds", "gain", "predicted_gain")}, flush=True
    )
    return row


def rounded(values: Any) -> dict[int, float]:
    """To print."""
    return {count: round(value, 2) for count, value in values.items()}


def main() -> None:
    """Measures, prints, saves."""
    counts = sorted({min(1 << k, usable_cpus()) for k in range(usable_cpus().bit_length() + 1)})
    for _ in range(2):  # the first starts the fork server
        of_processes = measure_overheads("processes", FactorTask("auto"), Block(range(10**12, 10**12 + 2000)))
    if sys.argv[1:2] == ["--digits"]:
        longs = [measure(int(digits), of_processes, counts[-1], counts) for digits in sys.argv[2:]]
        save("cores-digits", longs)
        return
    rows = [compared(work, counts) for work in works()]
    longs = [measure(DIGITS, of_processes, count, counts) for count in counts]
    save("cores", rows, longs=longs)


if __name__ == "__main__":
    main()
