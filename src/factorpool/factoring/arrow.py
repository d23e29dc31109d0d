"""Arrow columns in and out, without a copy and without a library: `native/python/arrow.c` has the structs.

A column is described to the kernel as (name, format, nulls, length, buffers, children); formats are those of the Arrow
C data interface: L is uint64, C uint8, S uint16, U a string, +s a struct, +L a list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from factorpool import _native
from factorpool.errors import NumberTypeError, show
from factorpool.factoring.block import words_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.columns import Column, Factorizations

Field = tuple[str, str, int, int, tuple[Any, ...], tuple[Any, ...]]


def _field(name: str, form: str, length: int, *buffers: Any, nulls: int = 0, children: tuple[Field, ...] = ()) -> Field:
    """A field; the first of the buffers says what is null, None where nothing is."""
    return name, form, nulls, length, buffers, children


def _integers(name: str, values: Column, valid: bytes | None = None, nulls: int = 0) -> Field:
    """Words as uint64; integers of any length as strings of digits."""
    if isinstance(values, memoryview):
        return _field(name, "L", len(values), valid, values, nulls=nulls)
    texts = [str(value).encode() for value in values]
    offsets = array("q", accumulate(map(len, texts), initial=0))
    return _field(name, "U", len(values), valid, offsets, b"".join(texts), nulls=nulls)


def _exponents(values: memoryview[int]) -> Field:
    return _field("exponent", "C" if values.itemsize == 1 else "S", len(values), None, values)


def _table(length: int, *columns: Field) -> Field:
    return _field("", "+s", length, None, children=columns)


def tables_of(fs: Factorizations) -> Iterator[Field]:
    """For each segment number, and factors: a list of (prime, exponent) for each; null where there is an error."""
    errors, start = sorted(fs.errors), 0
    for segment in fs._segments.segments:
        length = len(segment)
        missing = [at - start for at in errors[bisect_left(errors, start) : bisect_left(errors, start + length)]]
        valid = _valid(length, missing) if errors else None
        exponents = _exponents(segment.exponents)
        pair = _field("item", "+s", len(segment.primes), None, children=(_integers("prime", segment.primes), exponents))
        factors = _field("factors", "+L", length, valid, segment.offsets, nulls=len(missing), children=(pair,))
        here = slice(start, start + length)
        numbers = fs.numbers[here] if isinstance(fs.numbers, tuple) else words_in(fs.numbers, here)
        yield _table(length, _integers("number", numbers, valid, len(missing)), factors)
        start += length


def _valid(length: int, missing: Iterable[int]) -> bytes:
    """A bit for each item, 0 for those that are missing."""
    bits = bytearray(b"\xff" * ((length + 7) // 8))
    for index in missing:
        bits[index // 8] &= ~(1 << index % 8) & 0xFF
    return bytes(bits)


class LongTable:
    """A row for each distinct prime: index and number, prime, exponent; whatever reads Arrow reads it."""

    def __init__(self, fs: Factorizations) -> None:
        counts = _native.repeat(array("Q", range(len(fs))), fs.offsets)
        self._indices = memoryview(counts).cast("Q")
        self._fs = fs

    def __len__(self) -> int:
        return len(self._indices)

    def __arrow_c_schema__(self) -> object:
        """A capsule of the table's schema."""
        return _native.arrow_schema(self._table())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule of the table."""
        return _native.arrow_stream((self._table(),))

    def _table(self) -> Field:
        fs = self._fs
        numbers: Column
        if isinstance(fs.numbers, memoryview):
            numbers = memoryview(_native.repeat(fs.numbers, fs.offsets)).cast("Q")
        else:
            numbers = tuple(fs.numbers[i] for i in self._indices)
        return _table(
            len(self),
            _integers("index", self._indices),
            _integers("number", numbers),
            _integers("prime", fs.primes),
            _exponents(fs.exponents),
        )


class ArrowWords(NamedTuple):
    """Integers of an Arrow array as uint64, in two's complement if `signed`; a 1 stands for each of the `nulls`."""

    words: bytes
    signed: bool
    nulls: Sequence[int]


def arrays_of(numbers: Any) -> Iterator[ArrowWords] | None:
    """The arrays of an Arrow column, or of a table of one; None for what is none.

    Raises a NumberTypeError for what has no integers, once the first array is asked for.
    """
    if hasattr(numbers, "__arrow_c_stream__"):
        try:
            capsule = numbers.__arrow_c_stream__()
        except Exception:
            return None  # it has no such column after all; its items are looked at one by one, and may be fine
        return _arrays(numbers, iter(lambda: _native.arrow_next(capsule), None))
    if hasattr(numbers, "__arrow_c_array__"):
        return _arrays(numbers, (_native.arrow_words(*capsules) for capsules in [numbers.__arrow_c_array__()]))
    return None


def _arrays(numbers: Any, found: Iterator[tuple[bytes, bool, list[int]]]) -> Iterator[ArrowWords]:
    try:
        for words, signed, nulls in found:
            yield ArrowWords(words, signed, nulls)
    except ValueError as error:
        hint = "choose one column" if "table" in str(error) else "cast it to integers of at most 64 bits"
        raise NumberTypeError(f"{show(type(numbers))} is no Arrow column of integers, but {error}; {hint}") from error
