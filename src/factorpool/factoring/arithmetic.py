"""Arithmetic functions of many numbers at once, from the columns of their factorizations; and which numbers are prime.

The kernel computes them without an object for each number.  Where a number, or a value, exceeds 64 bits, Python does,
and the column is a tuple.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import SupportsIndex, cast

from factorpool import _native
from factorpool.errors import FactorpoolError, OptionError, annotate
from factorpool.factoring.block import WORD_MAX, Kind
from factorpool.factoring.methods.flint import is_probable_prime
from factorpool.factoring.numbers import check, normalize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from factorpool.factoring.columns import Column
    from factorpool.factoring.segments import Segments

Row = list[tuple[int, int]]


def _sigma(row: Row, k: int) -> int:
    if k == 0:
        return math.prod(e + 1 for _, e in row)
    return math.prod((p ** (k * (e + 1)) - 1) // (p**k - 1) for p, e in row)


BY_HAND: dict[str, Callable[[Row, int], int]] = {
    "omega": lambda row, _: len(row),
    "bigomega": lambda row, _: sum(e for _, e in row),
    "radical": lambda row, _: math.prod(p for p, _ in row),
    "smallest_prime": lambda row, _: row[0][0] if row else 1,
    "largest_prime": lambda row, _: row[-1][0] if row else 1,
    "totient": lambda row, _: math.prod((p - 1) * p ** (e - 1) for p, e in row),
    "divisor_count": lambda row, _: math.prod(e + 1 for _, e in row),
    "sigma": _sigma,
    "mobius": lambda row, _: 0 if any(e > 1 for _, e in row) else (-1) ** len(row),
    "is_prime": lambda row, _: [e for _, e in row] == [1],
    "is_smooth": lambda row, bound: not row or row[-1][0] <= bound,
}
"""The same functions of one number's (prime, exponent) pairs, of any size."""

FORMATS = {"omega": "B", "bigomega": "B", "mobius": "b", "is_prime": "?", "is_smooth": "?"}
"""Of the columns that are not uint64, as in `struct`."""


class ArithmeticFunctions:
    """What `Factorizations` answers for all of its numbers; each method gives a column, in their order.

    A column is a read-only memoryview, for `numpy.asarray` and the like, or a tuple where a number or a value exceeds
    64 bits.  Where an item has an error (`on_error="collect"`), that is raised: there is no value in its place.

        >>> import factorpool as fp
        >>> fs = fp.factor_many([1, 12, 97])
        >>> fs.totient().tolist(), fs.mobius().tolist(), fs.is_prime().tolist()
        ([1, 4, 96], [1, 0, -1], [False, False, True])
    """

    __slots__ = ()
    errors: Mapping[int, FactorpoolError]
    _numbers: Column | range
    _segments: Segments

    def omega(self) -> Column:
        """How many distinct primes divide each number."""
        return self._column("omega")

    def bigomega(self) -> Column:
        """How many primes divide each number, each counted as often as it does."""
        return self._column("bigomega")

    def radical(self) -> Column:
        """The product of each number's distinct primes."""
        return self._column("radical")

    def smallest_prime(self) -> Column:
        """Each number's least prime; 1 of 1 (OEIS A020639)."""
        return self._column("smallest_prime")

    def largest_prime(self) -> Column:
        """Each number's greatest prime; 1 of 1 (OEIS A006530)."""
        return self._column("largest_prime")

    def totient(self) -> Column:
        """Euler's function: how many of 1 to n have no prime in common with n."""
        return self._column("totient")

    def divisor_count(self) -> Column:
        """How many divisors each number has."""
        return self._column("divisor_count")

    def sigma(self, k: int = 1) -> Column:
        """The sum of the k-th powers of each number's divisors, k from 0 up."""
        return self._column("sigma", _natural("k", k))

    def mobius(self) -> Column:
        """Moebius' function: 0 where a square divides, else 1 or, for an odd number of primes, -1."""
        return self._column("mobius")

    def is_prime(self) -> Column:
        """Which numbers are prime."""
        return self._column("is_prime")

    def is_smooth(self, bound: int) -> Column:
        """Which numbers have no prime above the bound."""
        return self._column("is_smooth", _natural("bound", bound))

    def divisors(self, index: SupportsIndex) -> list[int]:
        """All divisors of one number, ascending.

        >>> import factorpool as fp
        >>> fp.factor_many([97, 12]).divisors(1)
        [1, 2, 3, 4, 6, 12]
        """
        divisors = [1]
        for p, e in self[index].items():  # type: ignore[index]
            divisors = [d * p**k for d in divisors for k in range(e + 1)]
        return sorted(divisors)

    def _column(self, name: str, parameter: int = 0) -> Column:
        if self.errors:
            first = min(self.errors)
            error = self.errors[first]
            annotate(error, f"factorpool: {name}() has no value for item {first}; factor the others without it")
            raise error
        if not isinstance(self._numbers, tuple) and (values := self._column_in_c(name, parameter)) is not None:
            return cast("Column", memoryview(values).cast(FORMATS.get(name, "Q")))  # type: ignore[call-overload]
        function = BY_HAND[name]
        return tuple(function(row, parameter) for row in self._rows())

    def _column_in_c(self, name: str, parameter: int) -> bytes | None:
        """The values as bytes; None where a prime or a value exceeds 64 bits."""
        word = min(parameter, WORD_MAX)  # of which no power fits a word, and above which no prime is
        found: list[bytes] = []
        for segment in self._segments.segments:
            if not isinstance(segment.primes, memoryview):
                return None
            exponents: memoryview | bytes = segment.exponents
            if segment.exponents.itemsize > 1:
                exponents = bytes(segment.exponents.tolist())  # each is below 64
            values = _native.function(name, segment.offsets, segment.primes, exponents, word)
            if values is None:
                return None
            found.append(values)
        return b"".join(found)

    def _rows(self) -> Iterator[Row]:
        """The (prime, exponent) pairs of each number."""
        for segment in self._segments.segments:
            pairs = list(zip(segment.primes, segment.exponents, strict=True))
            yield from (pairs[start:stop] for start, stop in pairwise(segment.offsets))


def _natural(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OptionError(f"{name} must be an integer from 0 up, not {value!r}")
    return value


def is_prime(n: SupportsIndex) -> bool:
    """Whether n is prime: proved below 2^64, and by the Baillie-PSW test, which no composite is known to pass, beyond.

    Zero, one and negative integers are not.

    Raises:
        NumberTypeError: n is no integer.

    >>> is_prime(2**61 - 1), is_prime(2**67 - 1), is_prime(-7)
    (True, False, False)
    """
    if type(n) is int and 0 < n <= WORD_MAX:
        return _native.is_prime(n)
    if not isinstance(n, bool) and hasattr(n, "__index__") and operator.index(n) <= 0:
        return False
    number = check(n)
    return is_probable_prime(number) if number > WORD_MAX else _native.is_prime(number)


def are_prime(numbers: Iterable[SupportsIndex] | Buffer) -> memoryview[bool]:
    """Which of the numbers are prime, each as `is_prime` says: a read-only memoryview of bools, for `numpy.asarray`.

    Args:
        numbers: as in `factor_many`: all from 1 up.

    Raises:
        NumberTypeError, NumberValueError: a value that is no such integer, with its index.

    >>> are_prime([1, 2, 3, 4, 2**89 - 1]).tolist()
    [False, True, True, False, True]
    """
    block = normalize(numbers)
    if block.kind is Kind.WIDE:
        return memoryview(bytes(map(is_prime, block))).cast("?")
    return memoryview(_native.are_prime(block.words())).cast("?")
