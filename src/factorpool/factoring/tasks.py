"""What a worker does with a chunk: factor numbers, or call a function on every item.

A task travels to the workers once, pickled where they are processes or interpreters; the chunks follow.  What it makes
of a chunk comes back in parts.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.factoring.numbers import WORD_MAX, show, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.numbers import Numbers

METHODS = ("auto", "trial", "rho", "ecm", "naive")

KERNEL_MAX = (1 << 128) - 1
"""The kernel takes numbers up to this one."""

KERNEL_CHUNK = 1024
"""First chunk of numbers for the kernel: a millisecond or two of uniform numbers, 30 of the hardest."""

RANGE_CHUNK = 1 << 18
"""First chunk of a range: some 6 ms at 10^12, of which the primes to sieve by take one."""


BATCH = 64
"""Most items between two looks at the clock and the stop flag: 0.3 us for each batch is nothing for that many."""

BATCH_SECONDS = 0.0005
"""A batch that takes longer is followed by one of a single item: items have become slow."""


class StoppedError(Exception):
    """The stop flag was set while the chunk was running."""


class Part(NamedTuple):
    """What has become of the next so many `items` of a chunk: their value, or their error, and the seconds it took.

    `last` says that nothing more comes of this chunk, `followed` that the item after these has been run too, and that
    its part comes next: the chunk cannot be given back in between.
    """

    items: int
    value: Any
    error: BaseException | None
    seconds: float
    last: bool
    followed: bool = False


def to_the_last(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts of a chunk; if they end without a last one, an error for the items that nobody would bring back."""
    for part in parts:
        yield part
        if part.last:
            return
    yield Part(0, None, FactorpoolError("a task ended in the middle of its chunk"), 0.0, True)


class Task(Protocol):
    """Work on chunks; `first_chunk` is a size for the first ones, before costs are known.

    `needs_main` says whether a worker elsewhere must import the caller's main module to understand it, `itemwise`
    whether a part can be a single item of many.
    """

    first_chunk: int
    needs_main: bool
    itemwise: bool

    def start(self) -> None:
        """Called once in every worker, before its first chunk."""

    def parts(self, payload: Any, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Part]:
        """Runs a chunk whose first item has the index `start`; ends early once `stop[0]` is set.

        What is done is given away after `pace` seconds, or a little more: it can be lost no longer.
        """


class Wide(NamedTuple):
    """A chunk's factorizations with numbers beyond 64 bits among them; else it is the kernel's three `bytes`."""

    counts: list[int]
    primes: list[int]
    exponents: list[int]
    probable: list[int]


Factored = tuple[bytes, bytes, bytes] | Wide


class FactorTask:
    """Factors numbers: up to 128 bits by the kernel, larger ones by python-flint, or all by the naive method."""

    needs_main = False
    itemwise = False  # a call of the kernel for each number would cost more than most numbers

    def __init__(self, method: str) -> None:
        self.method = method
        self.first_chunk = KERNEL_CHUNK if method in ("auto", "rho", "ecm") else 1

    def start(self) -> None:
        """Nothing to prepare."""

    def parts(self, payload: Numbers, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Part]:
        """One part: the factorizations of words (a memoryview or bytes), of a range, or of a list of ints."""
        began = time.perf_counter()
        count = len(payload) // 8 if isinstance(payload, bytes) else len(payload)
        try:
            value, failure = self._factor(payload, stop), None
        except StoppedError:
            return
        except Exception as error:
            value, failure = None, error
        yield Part(count, value, failure, time.perf_counter() - began, True)

    def _factor(self, payload: Numbers, stop: bytearray | memoryview) -> Factored:
        if isinstance(payload, range) and self.method == "auto":
            return _native.sieve_chunk(payload.start, payload.step, len(payload), stop)
        if not isinstance(payload, list):
            words = words_of(payload)
            if self.method != "naive":
                return _native.factor_chunk(words, self.method, stop)
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
            pairs = self._one(n, wide.probable) if width == 0 else next(batches[width])
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
        if self.method == "naive":
            return 0
        return 1 if n <= WORD_MAX else 2 if n <= KERNEL_MAX and self.method in ("auto", "ecm") else 0

    def _pairs(self, numbers: list[int], width: int, stop: bytearray | memoryview) -> Iterator[list[tuple[int, int]]]:
        """The (prime, exponent) pairs of each of the numbers, by the kernel."""
        words = array("Q", numbers if width == 1 else chain.from_iterable((n & WORD_MAX, n >> 64) for n in numbers))
        counts, columns, exponents = _native.factor_chunk(words, self.method, stop, width)
        primes: Iterable[int] = memoryview(columns).cast("Q")
        if width == 2:
            low, high = primes[::2], primes[1::2]  # type: ignore[index]
            primes = (x | y << 64 for x, y in zip(low, high, strict=True))
        pairs = zip(primes, exponents, strict=True)
        return (list(islice(pairs, count)) for count in counts)

    def _one(self, n: int, probable: list[int]) -> list[tuple[int, int]]:
        """The pairs of a number that is not for the kernel; primes too long to be proved go to `probable`."""
        if self.method == "naive":
            from factorpool.factoring.methods.naive import factorize_naive

            factors = factorize_naive(n)
            return [(p, factors.count(p)) for p in dict.fromkeys(factors)]
        from factorpool.factoring.methods.flint import factor_big

        pairs, unproved = factor_big(n)
        probable.extend(unproved)
        return pairs


class MapTask:
    """Calls a function on every item; with `collect`, goes on after an exception."""

    first_chunk = 1
    needs_main = True
    itemwise = True
    clock = staticmethod(time.perf_counter)

    def __init__(
        self,
        fn: Callable[[Any], Any],
        collect: bool,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
    ) -> None:
        self.fn = fn
        self.collect = collect
        self.initializer = initializer
        self.initargs = initargs

    def start(self) -> None:
        """Runs the user's initializer."""
        if self.initializer is not None:
            self.initializer(*self.initargs)

    def parts(self, payload: Sequence[Any], start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Part]:
        """Lists of results, and each exception by itself, with a note that names its item."""
        items, total = iter(payload), len(payload)
        done, batch = 0, 1
        results: list[Any] = []
        began = looked = self.clock()
        while done + len(results) < total:
            if stop[0]:
                return
            before = len(results)
            failure: BaseException | None = None
            try:
                results.extend(map(self.fn, islice(items, batch)))  # what came before an exception stays in the list
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit too: a function that exits must not end its worker
                failure = error
            else:
                if len(results) < min(before + batch, total - done):  # `extend` takes it for the end of the items
                    failure = RuntimeError("the function raised StopIteration")
            now = self.clock()
            slow, looked = now - looked > BATCH_SECONDS, now
            batch = 1 if slow or pace == 0 else min(2 * batch, BATCH)
            finished = done + len(results) == total
            spent = now - began
            if results and (failure is not None or finished or spent >= pace):
                yield Part(len(results), results, None, spent, finished, failure is not None)
                done += len(results)
                results, spent = [], 0.0
                began = looked = self.clock()  # whoever took them may have taken their time
            if failure is not None:
                failure.add_note(f"factorpool: raised for item {start + done}, {show(payload[done])}")
                yield Part(1, None, failure, spent, not self.collect or done + 1 == total)
                if not self.collect:
                    return
                done += 1
                began = looked = self.clock()
