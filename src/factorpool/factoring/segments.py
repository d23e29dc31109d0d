"""Factorizations as workers have sent them, in segments: nothing is copied until somebody wants a whole column."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate

from factorpool import _native
from factorpool.factoring.block import words_of
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.memory import allocate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.columns import Column, Packed


class Segment:
    """The columns of numbers that follow each other: number i has the primes offsets[i] to offsets[i + 1] - 1.

    Of a segment with `counts`, the number of distinct primes of each number, the offsets are summed up when they are
    first asked for.
    """

    __slots__ = ("_counts", "_offsets", "exponents", "primes")

    def __init__(
        self,
        primes: Column,
        exponents: memoryview[int],
        *,
        offsets: memoryview[int] | None = None,
        counts: Packed = b"",
    ) -> None:
        self.primes = primes
        self.exponents = exponents
        self._offsets = offsets
        self._counts = memoryview(counts)

    @classmethod
    def packed(cls, counts: Packed, primes: Packed, exponents: Packed) -> Segment:
        """Columns as the kernel makes them."""
        return cls(words_of(primes), memoryview(exponents), counts=counts)

    @property
    def offsets(self) -> memoryview[int]:
        """Where each number's primes begin, and the end of the last."""
        if self._offsets is None:
            self._offsets = words_of(_native.offsets(self._counts))
        return self._offsets

    def __len__(self) -> int:
        return len(self._counts) if self._offsets is None else len(self._offsets) - 1

    def packed_columns(self) -> tuple[memoryview, memoryview, memoryview]:
        """Counts, primes and exponents of a segment that was made of them, as bytes."""
        assert isinstance(self.primes, memoryview)
        return self._counts, self.primes.cast("B"), self.exponents


class Segments:
    """One segment after the other, and at least one.  Only one that is alone may have no counts."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self._starts = [0, *accumulate(map(len, segments))]

    def __len__(self) -> int:
        """Numbers in all of them."""
        return self._starts[-1]

    def between(self, start: int, stop: int) -> Iterator[tuple[Segment, int, int]]:
        """What has the numbers from `start` to `stop` - 1: segments, and from where to where within each."""
        for at in range(bisect_right(self._starts, start) - 1, len(self.segments)):
            first = self._starts[at]
            if first >= stop:
                break
            yield self.segments[at], max(start - first, 0), min(stop - first, len(self.segments[at]))

    def whole(self) -> Segment:
        """All of them in one."""
        if len(self.segments) == 1:
            return self.segments[0]
        return Segment.packed(*map(joined, zip(*(segment.packed_columns() for segment in self.segments), strict=True)))


SHARED_BYTES, SHARED_THREADS = 1 << 24, 4
"""From so many bytes on, so many threads copy at most: two take 0.6 of the time of one, and more wait for memory."""


def joined(pieces: Sequence[memoryview]) -> memoryview:
    """All bytes of the pieces, one after the other, read-only."""
    starts = [0, *accumulate(map(len, pieces))]
    try:
        memory = allocate(starts[-1])
    except OSError:
        raise MemoryError(f"{starts[-1]} bytes for a column of factors") from None
    copy = partial(_native.copy, memory)
    if starts[-1] < SHARED_BYTES or not _copied_by_threads(copy, starts, pieces):
        for start, piece in zip(starts, pieces, strict=False):
            copy(start, piece)
    return memory.toreadonly()


def _copied_by_threads(
    copy: Callable[[int, memoryview], None], starts: list[int], pieces: Sequence[memoryview]
) -> bool:
    """False where no thread can be started, as at the end of a program."""
    try:
        from concurrent.futures import ThreadPoolExecutor  # here: it takes 10 ms to import

        with ThreadPoolExecutor(min(SHARED_THREADS, usable_cpus())) as threads:
            deque(threads.map(copy, starts, pieces), maxlen=0)
    except RuntimeError:
        return False
    return True
