"""From a sample to all items: how many times as long they take, and how far that may be off.

Both are run by the dispatcher on virtual time: with few items, workers wait longer at the end than with many, so the
time does not simply grow with their number.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from factorpool.bench.predict import predict
from factorpool.pool.strategies.simulated import Overheads

RESAMPLES = 80
"""How often all items are drawn anew from the costs that were seen: their spread is that of the answer."""

MOST = 1000
"""Items that are simulated at most; with more of them, what workers wait at the end is no matter."""


def carry(
    sample: Sequence[float], seen: Sequence[float], total: int, workers: int, schedule: str, seed: int
) -> list[float]:
    """How many times as long `total` items take as those of a sample: an estimate, its lower and its upper bound.

    `sample` has the costs of the sample's items, `seen` all costs that were seen.  The bounds hold in 95 of 100 cases,
    as far as what was seen is like the rest.

    >>> carry([1.0] * 4, [1.0] * 4, 40, 1, "guided", seed=1)
    [10.0, 10.0, 10.0]
    >>> carry([1.0] * 3, [1.0] * 3, 300, 2, "guided", seed=1)[0]  # 3 items on 2 workers take 2 s, 300 take 150
    75.0
    """
    choices = random.Random(seed).choices

    def seconds(costs: Sequence[float]) -> float:
        return sum(costs) if workers == 1 else predict(costs, workers, Overheads(), schedule).seconds

    base, simulated = seconds(sample) or 1e-9, min(total, MOST)

    def ratio(known: Sequence[float]) -> float:
        return total / simulated * seconds(choices(known, k=simulated)) / base

    estimate = statistics.median(ratio(seen) for _ in range(RESAMPLES // 4))
    ratios = sorted(ratio(choices(seen, k=len(seen))) for _ in range(RESAMPLES))  # what might have been seen as well
    tail = RESAMPLES // 40
    return [estimate, ratios[tail], ratios[-1 - tail]]
