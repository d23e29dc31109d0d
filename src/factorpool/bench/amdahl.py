"""Speedups with several workers, and Amdahl's law: what part of the work is not shared."""

from __future__ import annotations

from collections.abc import Mapping

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


def serial_part(speedups: Mapping[int, float]) -> float:
    """The part s of which 1 / speedup = s + (1 - s) / workers fits best, by least squares; at least 0, at most 1.

    With it, no number of workers is more than 1 / s times as fast (G. Amdahl, 1967).

    >>> round(serial_part({1: 1.0, 2: 1.6, 4: 2.29}), 2)
    0.25
    >>> serial_part({2: 2.0, 4: 4.0})
    0.0
    """
    # In s it is linear: 1 / speedup - 1 / workers = s * (1 - 1 / workers).
    terms = [(1 - 1 / workers, 1 / speedup - 1 / workers) for workers, speedup in speedups.items()]
    square = sum(x * x for x, _ in terms)
    return min(1.0, max(0.0, sum(x * y for x, y in terms) / square)) if square else 0.0


def curve(part: float, most: int) -> list[tuple[float, float]]:
    """Workers, from 1 to `most` in equal steps of their logarithm, and the speedup that the law gives for them."""
    counts = [most ** (step / 40) for step in range(41)]
    return [(count, speedup(count, part)) for count in counts]


def speedup(workers: float, part: float) -> float:
    """What Amdahl's law gives for so many workers.

    >>> speedup(4, 0.25)
    2.2857142857142856
    """
    return 1 / (part + (1 - part) / workers)
