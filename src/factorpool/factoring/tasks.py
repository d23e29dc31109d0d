"""Factoring as a task for the pool: what it knows of its own costs, and what a worker does with a chunk of numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from factorpool import _native
from factorpool.factoring.block import WORD_MAX, Block, Kind
from factorpool.factoring.columns import Columns, Large
from factorpool.factoring.methods import METHODS
from factorpool.factoring.methods.batch import pairs_by_kernel
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.methods.hard import LARGE_BITS, complete
from factorpool.pool.protocol import Hint, Piece, Place

KERNEL_MAX = (1 << 128) - 1
"""The kernel takes numbers up to this one."""

RANGE_CHUNKS = 1 << 18, 1 << 21
"""Least and most numbers of a chunk of a range: 4 ms at 10^12, and about 80 MB of factors."""

CHUNKS_PER_ROOT = 8
"""A chunk has the root of its numbers, divided by this, if that may be: each finds the primes to sieve by anew, up to
that root where it is long enough.  Longer ones are no faster; with a 64th of the root a number takes 1.3 to 2 times as
long, with a 256th 3 to 5 times."""

THREADS_FROM = 4_000
"""Numbers for the kernel from which threads pay: starting two costs about 0.2 ms, a 32-bit number about 0.1 us."""

SAMPLE = 256
"""Numbers of a list by which its costs are estimated: 0.1 ms."""

THREADS_SECONDS = 0.002
"""Numbers beyond 64 bits go to threads if they take longer: starting two costs 0.2 ms, and estimates are rough."""


WIDE_CHUNK = 64
"""Most numbers taken at once from a block with integers beyond 64 bits: each may take a thousand times as long as
those of the block before, which the sizes of chunks go by."""


def most_at_once(block: Sequence[int]) -> int | None:
    """How many numbers of a block a worker may get at once; None: any."""
    return WIDE_CHUNK if cast(Block, block).kind is Kind.WIDE else None


class StoppedError(Exception):
    """The stop flag was set while the chunk was running."""


class FactorTask:
    """Factors blocks by a method: numbers that are not too long for it in the kernel, others as far as that is quick.

    `block` is a sample of what there will be, for the sizes of the first chunks.  `printed` makes text of what the
    kernel has factored: where workers do that, the caller has little to do for each number.  No chunk of a range needs
    to be longer than `longest`.
    """

    itemwise = False  # a call of the kernel for each number would cost more than most numbers
    taints = False

    def __init__(
        self,
        method: str,
        block: Block | None = None,
        printed: Callable[[Block, Columns], bytes] | None = None,
        longest: int = RANGE_CHUNKS[1],
    ) -> None:
        self.method = METHODS[method]
        self._printed = printed
        self.first_chunk, self.least_chunk = self.method.first_chunk, 1
        kind = None if block is None else block.kind
        self._wide = kind is Kind.WIDE
        if self._wide:  # of ints beyond 64 bits each may take long
            self.first_chunk = 1
        elif kind is Kind.RANGE and self.method.sieves and block:  # the longer a range, the better it sieves
            least = max(RANGE_CHUNKS[0], math.isqrt(block[-1]) // CHUNKS_PER_ROOT)
            self.first_chunk = self.least_chunk = min(least, longest)

    def hint(self, items: object, total: int | None, count: Callable[[], int]) -> Hint | None:
        """The kernel's costs are known."""
        if not self.method.costs_known:
            return Hint(Place.HERE, "there is nothing to share") if total is not None and total < 2 else None
        if cast(Block, items).kind is Kind.WIDE:
            return _hint_for_wide(cast(Block, items), count)
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

    def pieces(self, payload: Block, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Piece]:
        """One piece: the columns of the block."""
        began = time.perf_counter()
        try:
            block = payload.parsed()
            columns, failure = self._factor(block, stop), None
            if self._printed is not None and not columns.wide:
                columns = columns._replace(text=self._printed(block, columns))
            value: Columns | None = columns
        except StoppedError:
            return
        except Exception as error:
            value, failure = None, error
        yield Piece(len(payload), value, failure, time.perf_counter() - began, True)

    def _factor(self, block: Block, stop: bytearray | memoryview) -> Columns:
        if block.kind is Kind.RANGE and self.method.sieves:
            run = cast(range, block.values)
            return Columns(*_native.sieve_chunk(run.start, run.step, len(run), stop))
        if block.kind is not Kind.WIDE and self.method.words:
            return Columns(*_native.factor_chunk(block.words(), self.method.name, stop))
        counts, primes, exponents = list[int](), list[int](), list[int]()
        columns = Columns(counts, primes, exponents, [], [])
        batches = {  # those the kernel can do, all at once
            width: pairs_by_kernel(numbers, width, self.method.name, stop)
            for width in (1, 2)
            if (numbers := [n for n in block if self._width(n) == width])
        }
        for at, n in enumerate(block):
            if stop[0]:
                raise StoppedError
            found = self._one(n, batches)
            counts.append(len(found.pairs))
            primes.extend(p for p, _ in found.pairs)
            exponents.extend(e for _, e in found.pairs)
            columns.probable.extend(found.probable)
            columns.large.extend(Large(at, cofactor, exponent) for cofactor, exponent in found.large)
        return columns

    def _one(self, n: int, batches: dict[int, Iterator[list[tuple[int, int]]]]) -> Found:
        """What is found of one number; of one that the kernel takes, what it has found in its batch."""
        width = self._width(n)
        if not width:
            return self.method.factor(n)
        return Found(complete(next(batches[width])))

    def factor_one(self, n: int) -> dict[int, int] | None:
        """The factorization of one number in this thread; None if that may take long."""
        if self._width(n) == 1:
            return dict(next(pairs_by_kernel([n], 1, self.method.name)))
        columns = self._factor(Block([n]), bytearray(1))
        return None if columns.large else dict(zip(columns.primes, columns.exponents, strict=True))

    def _width(self, n: int) -> int:
        """The words that the kernel takes n in; 0 where it does not take it."""
        words = 1 if n <= WORD_MAX else 2 if n <= KERNEL_MAX else 3
        return words if words <= self.method.words else 0


def _hint_for_wide(items: Block, count: Callable[[], int]) -> Hint:
    """For a block with numbers beyond 64 bits; beyond those of the kernel they may take python-flint."""
    if len(items) < 2 or count() == 1:
        return Hint(Place.HERE, "there is nothing to share")
    if max(items) <= KERNEL_MAX:
        if _expected_seconds(items) < THREADS_SECONDS:
            return Hint(Place.HERE, f"so few numbers ({len(items)}) are done before threads have started")
        return Hint(Place.BESIDE, "the kernel releases the GIL")
    return Hint(
        Place.APART,
        "python-flint, which proves long primes, holds the GIL",
        _expected_seconds(items),
    )


def _expected_seconds(items: Block) -> float:
    """What random integers of these sizes take: 0.1 ms at 88 bits, twice that for every 10 bits more.

    By `benchmarks/siqs.py` (96 bits 0.2 ms, 128 bits 0.9 ms with AVX2); of long lists a sample is taken.
    Of those beyond LARGE_BITS almost all are sent back at once.
    """
    sample = [items[at].bit_length() for at in range(0, len(items), max(1, len(items) // SAMPLE))]
    seconds = sum(1e-4 * 2.0 ** ((bits - 88) / 10) if bits <= LARGE_BITS else 1e-4 for bits in sample)
    return seconds * len(items) / len(sample)
