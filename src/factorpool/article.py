"""The four functions of the article of 2012 that factorpool grew out of, with its names, arguments and results.

The article factored a list of integers serially, on threads and on processes, split the list into one equal part for
each worker, and timed the three.  Here they run on factorpool's pool; the naive method, and what the functions
answer, is unchanged: a dict from each number to the list of its prime factors, `[]` for numbers below 2.

    >>> from factorpool.article import serial_factorizer, threaded_factorizer
    >>> serial_factorizer([1, 12, 97])
    {1: [], 12: [2, 2, 3], 97: [97]}
    >>> threaded_factorizer([1, 12, 97], 2) == serial_factorizer([1, 12, 97])
    True
"""

from __future__ import annotations

from collections.abc import Iterable

from factorpool.api import pmap
from factorpool.factoring.methods.naive import factorize_naive

__all__ = ["factorize_naive", "mp_factorizer", "serial_factorizer", "threaded_factorizer"]


def serial_factorizer(nums: Iterable[int]) -> dict[int, list[int]]:
    """Factors `nums` one after the other in this thread."""
    return _run(nums, "serial", 1)


def threaded_factorizer(nums: Iterable[int], nthreads: int) -> dict[int, list[int]]:
    """Factors `nums` on `nthreads` threads, an equal part of the list each."""
    return _run(nums, "threads", nthreads)


def mp_factorizer(nums: Iterable[int], nprocs: int) -> dict[int, list[int]]:
    """Factors `nums` on `nprocs` processes, an equal part of the list each.

    Call it under `if __name__ == "__main__":`, as everything that starts processes.
    """
    return _run(nums, "processes", nprocs)


def _run(nums: Iterable[int], strategy: str, workers: int) -> dict[int, list[int]]:
    numbers = list(nums)
    factors = pmap(factorize_naive, numbers, strategy=strategy, max_workers=workers, schedule="static")
    return dict(zip(numbers, factors, strict=True))
