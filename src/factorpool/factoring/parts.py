"""Factorizations as they came from workers, in parts: nothing is copied until somebody wants a column in one piece."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from factorpool import _native
from factorpool.factoring.block import words_of
from factorpool.factoring.memory import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.columns import Column, Packed


class Part:
    """The columns of numbers that follow each other: number i has the primes offsets[i] to offsets[i + 1] - 1.

    Of a part with `counts`, the number of distinct primes of each number, the offsets are summed up when they are first
    asked for.
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
    def packed(cls, counts: Packed, primes: Packed, exponents: Packed) -> Part:
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
        """Counts, primes and exponents of a part that was made of them, as bytes."""
        assert isinstance(self.primes, memoryview)
        return self._counts, self.primes.cast("B"), self.exponents


class Parts:
    """One part after the other, and at least one.  Only one that is alone may have no counts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._starts = [0, *accumulate(map(len, parts))]

    def __len__(self) -> int:
        """Numbers in all of them."""
        return self._starts[-1]

    def between(self, start: int, stop: int) -> Iterator[tuple[Part, int, int]]:
        """What has the numbers from `start` to `stop` - 1: parts, and from where to where within each."""
        for at in range(bisect_right(self._starts, start) - 1, len(self.parts)):
            first = self._starts[at]
            if first >= stop:
                break
            yield self.parts[at], max(start - first, 0), min(stop - first, len(self.parts[at]))

    def whole(self) -> Part:
        """All of them in one."""
        if len(self.parts) == 1:
            return self.parts[0]
        return Part.packed(*map(joined, zip(*(part.packed_columns() for part in self.parts), strict=True)))
