"""Speedups with several workers, and Amdahl's law: what part of the work is not shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from factorpool.bench.result import Result


def speedups(result: Result, method: str) -> dict[str, dict[int, float]]:
    """How many times as fast as serial, by workers, for each strategy that was measured with several numbers."""
    if (serial := result.serial(method)) is None:
        return {}
    base = result.median(serial)
    found: dict[str, dict[int, float]] = {}
    for case in result.measured(method):
        if case is not serial:
            found.setdefault(case.strategy, {})[case.workers] = base / result.median(case)
    return {strategy: points for strategy, points in found.items() if len(points) > 1}


class Law(NamedTuple):
    """Amdahl's law for work of which the part `serial` is not shared, on so many processors (G. Amdahl, 1967).

    More workers than processors are no faster; and no number of either is more than 1 / `serial` times as fast.

    >>> Law(0.25, 4).speedup(4), Law(0.25, 4).speedup(8)
    (2.2857142857142856, 2.2857142857142856)
    """

    serial: float
    processors: float

    def speedup(self, workers: float) -> float:
        """What it gives for so many workers."""
        return 1 / (self.serial + (1 - self.serial) / min(workers, self.processors))

    def curve(self, most: int) -> list[tuple[float, float]]:
        """Workers, from 1 to `most` in equal steps of their logarithm, and their speedups."""
        counts = [most ** (step / 40) for step in range(41)]
        return [(count, self.speedup(count)) for count in counts]


def fitted(speedups: Mapping[int, float], cpus: int) -> Law:
    """The law that fits best, by least squares of 1 / speedup, to what was measured with so many CPUs.

    Workers that mostly wait for something else than a CPU are faster than there are CPUs: then those do not count.

    >>> round(fitted({1: 1.0, 2: 1.6, 4: 2.29}, 4).serial, 2)
    0.25
    >>> fitted({2: 2.0, 4: 4.0}, 2)
    Law(serial=0.0, processors=4.0)
    >>> round(fitted({2: 1.6, 4: 1.6, 8: 1.6}, 2).serial, 2)
    0.25
    """
    processors = max(float(cpus), *speedups.values())
    # In s it is linear: 1 / speedup - 1 / n = s * (1 - 1 / n), where n is the workers that have a processor.
    shares = [(1 / min(workers, processors), 1 / speedup) for workers, speedup in speedups.items()]
    square = sum((1 - share) ** 2 for share, _ in shares)
    part = sum((1 - share) * (time - share) for share, time in shares) / square if square else 0.0
    return Law(min(1.0, max(0.0, part)), processors)
