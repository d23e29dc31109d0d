"""What a worker does with a chunk: factor numbers, or call a function on every item.

A task travels to the workers once, pickled where they are processes; the chunks follow.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from factorpool import _native
from factorpool._numbers import WORD_MAX, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool._numbers import Numbers

METHODS = ("auto", "trial", "rho", "ecm", "naive")

KERNEL_CHUNK = 1024
"""First chunk of numbers for the kernel: a millisecond or two of uniform numbers, 30 of the hardest."""


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
    """Factors numbers: words by the kernel, larger ones by python-flint, or all by the article's naive method."""

    needs_main = False

    def __init__(self, method: str) -> None:
        self.method = method
        self.first_chunk = KERNEL_CHUNK if method in ("auto", "rho", "ecm") else 1

    def start(self) -> None:
        """Nothing to prepare."""

    def run(self, payload: Numbers, start: int, stop: bytearray) -> Factored:
        """The factorizations of words (a memoryview or bytes) or of a list of ints."""
        if not isinstance(payload, list) and self.method != "naive":
            return _native.factor_chunk(payload, self.method, stop)
        numbers = payload if isinstance(payload, list) else memoryview(payload).cast("B").cast("Q")
        wide = Wide([], [], [], [])
        small: Iterator[list[tuple[int, int]]] = iter(())  # those the kernel can do, all at once
        if self.method != "naive":
            small = self._pairs(array("Q", [n for n in numbers if n <= WORD_MAX]), stop)
        for n in numbers:
            if stop[0]:
                raise StoppedError
            pairs = next(small) if self.method != "naive" and n <= WORD_MAX else self.factor_one(n, wide.probable)
            wide.counts.append(len(pairs))
            wide.primes.extend(p for p, _ in pairs)
            wide.exponents.extend(e for _, e in pairs)
        return wide

    def _pairs(self, words: array[int], stop: bytearray) -> Iterator[list[tuple[int, int]]]:
        """The (prime, exponent) pairs of each of the words, by the kernel."""
        counts, primes, exponents = _native.factor_chunk(words, self.method, stop)
        pairs = zip(memoryview(primes).cast("Q"), exponents, strict=True)
        return (list(islice(pairs, count)) for count in counts)

    def factor_one(self, n: int, probable: list[int]) -> list[tuple[int, int]]:
        """One number's (prime, exponent) pairs, ascending; primes too long to be proved go to `probable`."""
        if self.method == "naive":
            from factorpool._naive import factorize_naive

            factors = factorize_naive(n)
            return [(p, factors.count(p)) for p in dict.fromkeys(factors)]
        if n <= WORD_MAX:
            return next(self._pairs(array("Q", [n]), bytearray(1)))
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
