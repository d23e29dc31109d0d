"""Factoring as a task for the pool: what it knows of its own costs, and what a worker does with a chunk of numbers."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from factorpool import _native
from factorpool.factoring.methods import METHODS
from factorpool.factoring.numbers import WORD_MAX, words_of
from factorpool.pool.protocol import Hint, Piece, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.numbers import Numbers

KERNEL_MAX = (1 << 128) - 1
"""The kernel takes numbers up to this one."""

RANGE_CHUNK = 1 << 18
"""First chunk of a range: about 6 ms at 10^12, of which the primes to sieve by take one."""

THREADS_FROM = 4_000
"""Numbers for the kernel from which threads pay: starting two costs about 0.2 ms, a 32-bit number about 0.1 us."""

PROCESS_BITS = 128
"""Integers up to this size take at most about 20 ms each; longer ones can take hours, during which only another process
can be interrupted."""

THREAD_BITS = 81
"""Integers up to this size are almost all the kernel's work; longer primes take python-flint half a millisecond to
prove."""

SAMPLE = 256
"""Numbers of a list by which its costs are estimated: 0.1 ms."""

BIG_THREADS_FROM = 20
"""Numbers beyond 64 bits from which threads pay."""


WIDE_CHUNK = 64
"""Most numbers taken at once from a block with integers beyond 64 bits: each may take a thousand times as long as
those of the block before, which the sizes of chunks go by."""


def most_at_once(block: Sequence[int]) -> int | None:
    """How many numbers of a block a worker may get at once; None: any."""
    return WIDE_CHUNK if isinstance(block, list) else None


class StoppedError(Exception):
    """The stop flag was set while the chunk was running."""


class Wide(NamedTuple):
    """A chunk's factorizations with numbers beyond 64 bits among them; else it is the kernel's three `bytes`."""

    counts: list[int]
    primes: list[int]
    exponents: list[int]
    probable: list[int]


Factored = tuple[bytes, bytes, bytes] | Wide


class FactorTask:
    """Factors numbers by a method, those that are not too long for it in the kernel.

    `numbers` is a sample of what there will be, for the sizes of the first chunks.
    """

    itemwise = False  # a call of the kernel for each number would cost more than most numbers
    taints = False

    def __init__(self, method: str, numbers: object = None) -> None:
        self.method = METHODS[method]
        self.first_chunk = self.method.first_chunk
        self._wide = isinstance(numbers, list)
        if self._wide:  # of ints beyond 64 bits each may take long
            self.first_chunk = 1
        elif isinstance(numbers, range):  # the longer a range, the better it sieves
            self.first_chunk = RANGE_CHUNK

    def hint(self, items: object, total: int | None, count: Callable[[], int]) -> Hint | None:
        """The kernel's costs are known."""
        if not self.method.costs_known:
            return Hint(Place.HERE, "there is nothing to share") if total is not None and total < 2 else None
        if isinstance(items, list):
            return _hint_for_wide(items, count)
        if total is not None and total < THREADS_FROM:
            return Hint(Place.HERE, f"so few numbers ({total}) are done before threads have started")
        if count() == 1:
            return Hint(Place.HERE, "there is one CPU to use")
        return Hint(Place.BESIDE, "the kernel releases the GIL")

    def alone_chunk(self, total: int | None) -> int:
        """All of them: the kernel writes one result, and nothing is copied."""
        return self.first_chunk if self._wide or not total else total

    def start(self) -> None:
        """Nothing to prepare."""

    def pieces(self, payload: Numbers, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Piece]:
        """One piece: the factorizations of words (a memoryview or bytes), of a range, or of a list of ints."""
        began = time.perf_counter()
        count = len(payload) // 8 if isinstance(payload, bytes) else len(payload)
        try:
            value, failure = self._factor(payload, stop), None
        except StoppedError:
            return
        except Exception as error:
            value, failure = None, error
        yield Piece(count, value, failure, time.perf_counter() - began, True)

    def _factor(self, payload: Numbers, stop: bytearray | memoryview) -> Factored:
        if isinstance(payload, range) and self.method.sieves:
            return _native.sieve_chunk(payload.start, payload.step, len(payload), stop)
        if not isinstance(payload, list):
            words = words_of(payload)
            if self.method.words:
                return _native.factor_chunk(words, self.method.name, stop)
            payload = words.tolist()
        wide = Wide([], [], [], [])
        batches = {  # those the kernel can do, all at once
            width: self._pairs(numbers, width, stop)
            for width in (1, 2)
            if (numbers := [n for n in payload if self._width(n) == width])
        }
        for n in payload:
            if stop[0]:
                raise StoppedError
            width = self._width(n)
            if width:
                pairs = next(batches[width])
            else:
                pairs, unproved = self.method.factor(n)
                wide.probable.extend(unproved)
            if width == 2 and (pairs[-1][0] > WORD_MAX or pairs[-1][1] == 0):
                from factorpool.factoring.methods.flint import complete

                pairs = complete(pairs)
            wide.counts.append(len(pairs))
            wide.primes.extend(p for p, _ in pairs)
            wide.exponents.extend(e for _, e in pairs)
        return wide

    def factor_one(self, n: int) -> dict[int, int]:
        """The factorization of one number."""
        if self._width(n) == 1:
            return dict(next(self._pairs([n], 1, bytearray(1))))
        result = self._factor([n], bytearray(1))
        assert isinstance(result, Wide)
        return dict(zip(result.primes, result.exponents, strict=True))

    def _width(self, n: int) -> int:
        """The words that the kernel takes n in; 0 where it does not take it."""
        words = 1 if n <= WORD_MAX else 2 if n <= KERNEL_MAX else 3
        return words if words <= self.method.words else 0

    def _pairs(self, numbers: list[int], width: int, stop: bytearray | memoryview) -> Iterator[list[tuple[int, int]]]:
        """The (prime, exponent) pairs of each of the numbers, by the kernel."""
        words = array("Q", numbers if width == 1 else chain.from_iterable((n & WORD_MAX, n >> 64) for n in numbers))
        counts, columns, exponents = _native.factor_chunk(words, self.method.name, stop, width)
        primes: Iterable[int] = memoryview(columns).cast("Q")
        if width == 2:
            low, high = primes[::2], primes[1::2]  # type: ignore[index]
            primes = (x | y << 64 for x, y in zip(low, high, strict=True))
        pairs = zip(primes, exponents, strict=True)
        return (list(islice(pairs, count)) for count in counts)


def _hint_for_wide(items: list[int], count: Callable[[], int]) -> Hint:
    """For lists of ints with some beyond 64 bits, which may take python-flint, holding the GIL."""
    longest = max(items, default=0).bit_length()
    if longest > PROCESS_BITS:
        return Hint(Place.APART, f"a number of {longest} bits may take long, and only a process can be stopped")
    if len(items) < 2 or count() == 1:
        return Hint(Place.HERE, "there is nothing to share")
    if longest <= THREAD_BITS:
        if len(items) < BIG_THREADS_FROM:
            return Hint(Place.HERE, f"so few numbers ({len(items)}) are done before threads have started")
        return Hint(Place.BESIDE, "the kernel releases the GIL")
    return Hint(Place.APART, "python-flint holds the GIL", _expected_seconds(items))


def _expected_seconds(items: list[int]) -> float:
    """What random integers of these sizes take: 0.1 ms at 82 bits, twice that for every 8 bits more.

    By `benchmarks/kernel.py` (uniform 96 bits 0.2 ms, 128 bits 2.4 ms on Zen 5); of long lists a sample is taken.
    """
    sample = items[:: max(1, len(items) // SAMPLE)]
    return sum(1e-4 * float(2.0 ** ((n.bit_length() - 82) / 8)) for n in sample) * len(items) / len(sample)
