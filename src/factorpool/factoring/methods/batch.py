"""Numbers through the kernel in one batch, and what it has found of each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from factorpool import _native
from factorpool.factoring.block import WORD_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


def pairs_by_kernel(
    numbers: list[int], width: int, method: str = "auto", stop: Buffer | None = None
) -> Iterator[list[tuple[int, int]]]:
    """The (prime, exponent) pairs of each of the numbers, which have up to `width` words of 64 bits.

    A last pair with exponent 0 is a cofactor that the kernel has left.
    """
    words = array("Q", numbers if width == 1 else chain.from_iterable((n & WORD_MAX, n >> 64) for n in numbers))
    counts, columns, exponents = _native.factor_chunk(words, method, stop, width)
    primes: Iterable[int] = memoryview(columns).cast("Q")
    if width == 2:
        low, high = primes[::2], primes[1::2]  # type: ignore[index]
        primes = (x | y << 64 for x, y in zip(low, high, strict=True))
    pairs = zip(primes, exponents, strict=True)
    return (list(islice(pairs, count)) for count in counts)
