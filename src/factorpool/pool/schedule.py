"""How many items the next chunk gets: the schedules, by OpenMP's names, as functions of what is known.

* `static`: one equal chunk for each worker, as the article did.  No traffic, but the slowest part decides.
* `dynamic`: chunks of one size, taken by whoever is free.
* `guided`: small chunks first, then as large as pays, then smaller again so that all workers end together.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Schedule = Literal["static", "dynamic", "guided"]
SCHEDULES: tuple[Schedule, ...] = ("static", "dynamic", "guided")

OVERHEADS = 20
"""A guided chunk should cost this many times its overhead: a loss of 5 %."""

CHUNK_SECONDS = 0.02
"""A guided chunk may cost this much whatever its overhead: shorter ones give no smoother progress."""

GROWTH = 4
"""Most that one guided chunk may exceed the last: the first few items say little about costs with a heavy tail."""

TAIL = 4
"""A guided chunk is at most what remains, divided by this many times the workers,"""

TAIL_SECONDS = 0.0005
"""but not so small that it costs less than this: the end would be no evener, and all overhead."""


class Measured(NamedTuple):
    """What chunks have cost so far, in seconds; `size` is the last one's, `handling` the caller's own time for one."""

    size: int
    seconds_per_item: float
    overhead: float
    handling: float = 0.0


def static(total: int, workers: int) -> int:
    """Every chunk's size when `total` items are split evenly, the last part being the smaller.

    >>> static(300, 8)
    38
    """
    return max(1, -(-total // workers))


def guided(
    remaining: int | None,
    workers: int,
    first: int,
    measured: Measured | None,
    chunk_seconds: float = CHUNK_SECONDS,
    least_chunk: int = 1,
) -> int:
    """The next chunk's size; `first` is that of the first ones, `remaining` None where nobody knows.

    `chunk_seconds` is as in the strategy's traits, `least_chunk` the task's.

    >>> guided(100_000, 2, 256, None)
    256
    >>> guided(100_000, 2, 256, Measured(256, 3e-6, 1e-4))
    1024
    >>> guided(8_000, 2, 256, Measured(4096, 3e-6, 1e-4))
    1000
    >>> guided(80, 2, 256, Measured(4096, 3e-6, 1e-4))
    166

    With very many workers a chunk must last until the caller has served all others:

    >>> guided(10**9, 10_000, 256, Measured(10**6, 3e-6, 1e-4, handling=3e-5))
    100000

    No chunk is shorter than its task wants:

    >>> guided(8_000, 2, 256, Measured(4096, 3e-6, 1e-4), least_chunk=3000)
    3000
    """
    size, least = first, 1
    if measured is not None:
        each = max(measured.seconds_per_item, 1e-9)
        turn = workers * measured.handling
        size = max(1, min(int(max(OVERHEADS * measured.overhead, chunk_seconds, turn) / each), GROWTH * measured.size))
        least = max(1, int(max(TAIL_SECONDS, turn) / each))
    if remaining is not None and workers > 1:
        size = min(size, max(least, remaining // (TAIL * workers)))
    return max(size, least_chunk)


def even(total: int, workers: int, least_chunk: int) -> int:
    """A size near `least_chunk` with which each worker gets as many chunks; smaller where there are too few items.

    >>> even(10_000_000, 2, 2_000_000), even(10, 2, 2_000_000)
    (2500000, 5)
    """
    return static(total, workers * max(1, round(total / workers / least_chunk)))
