"""What a worker does with a chunk: factor numbers, or call a function on every item.

A task travels to the workers once, pickled where they are processes; the chunks follow.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from factorpool import _native
from factorpool._numbers import WORD_MAX, show, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool._numbers import Numbers

METHODS = ("auto", "trial", "rho", "ecm", "naive")

KERNEL_MAX = (1 << 128) - 1
"""The kernel takes numbers up to this one."""

KERNEL_CHUNK = 1024
"""First chunk of numbers for the kernel: a millisecond or two of uniform numbers, 30 of the hardest."""

RANGE_CHUNK = 1 << 18
"""First chunk of a range: some 6 ms at 10^12, of which the primes to sieve by take one."""


class StoppedError(Exception):
    """The stop flag was set while the chunk was running."""


class Task(Protocol):
    """Work on chunks; `first_chunk` is a size for the first ones, before costs are known.

    `needs_main` says whether a worker process must import the caller's main module to understand it.
    """

    first_chunk: int
    needs_main: bool

    def start(self) -> None:
        """Called once in every worker, before its first chunk."""

    def run(self, payload: Any, start: int, stop: bytearray) -> Any:
        """The chunk's result; `start` is the index of its first item; ends early once `stop[0]` is set."""


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

    def __init__(self, method: str) -> None:
        self.method = method
        self.first_chunk = KERNEL_CHUNK if method in ("auto", "rho", "ecm") else 1

    def start(self) -> None:
        """Nothing to prepare."""

    def run(self, payload: Numbers, start: int, stop: bytearray) -> Factored:
        """The factorizations of words (a memoryview or bytes), of a range, or of a list of ints."""
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
                from factorpool._bigint import complete

                pairs = complete(pairs)
            wide.counts.append(len(pairs))
            wide.primes.extend(p for p, _ in pairs)
            wide.exponents.extend(e for _, e in pairs)
        return wide

    def factor_one(self, n: int) -> dict[int, int]:
        """The factorization of one number."""
        if self._width(n) == 1:
            return dict(next(self._pairs([n], 1, bytearray(1))))
        result = self.run([n], 0, bytearray(1))
        assert isinstance(result, Wide)
        return dict(zip(result.primes, result.exponents, strict=True))

    def _width(self, n: int) -> int:
        """The words that the kernel takes n in; 0 where it does not take it."""
        if self.method == "naive":
            return 0
        return 1 if n <= WORD_MAX else 2 if n <= KERNEL_MAX and self.method in ("auto", "ecm") else 0

    def _pairs(self, numbers: list[int], width: int, stop: bytearray) -> Iterator[list[tuple[int, int]]]:
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
            from factorpool._naive import factorize_naive

            factors = factorize_naive(n)
            return [(p, factors.count(p)) for p in dict.fromkeys(factors)]
        from factorpool._bigint import factor_big

        pairs, unproved = factor_big(n)
        probable.extend(unproved)
        return pairs


class MapTask:
    """Calls a function on every item; with `collect`, exceptions are results too."""

    first_chunk = 1
    needs_main = True

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

    def run(self, payload: Sequence[Any], start: int, stop: bytearray) -> list[Any]:
        """One result an item; with `collect`, pairs (value, error)."""
        results: list[Any] = []
        for index, item in enumerate(payload, start):
            if stop[0]:
                raise StoppedError
            try:
                value = self.fn(item)
            except Exception as error:
                error.add_note(f"factorpool: raised for item {index}, {show(item)}")
                if not self.collect:
                    raise
                results.append((None, error))
            else:
                results.append((value, None) if self.collect else value)
        return results
