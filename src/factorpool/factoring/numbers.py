"""What counts as an integer, and how whatever a caller calls numbers becomes blocks of them."""

from __future__ import annotations

import operator
import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from factorpool import _native
from factorpool.errors import FactorpoolError, InputError, NumberTypeError, NumberValueError, show
from factorpool.factoring.arrow import ArrowWords, arrays_of
from factorpool.factoring.block import WORD_MAX, Block, Kind, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_DIGITS = 4300
"""Longest number accepted, in decimal digits: the interpreter's own default limit for turning text into an integer."""

_LIMIT = 10**MAX_DIGITS
_BLOCK = 1 << 12  # numbers drawn from an iterator at a time: their objects stay in the cache until they are packed

_SIGNED, _UNSIGNED = "bhilq", "BHILQ"


def check(value: object, index: int | None = None) -> int:
    """The positive integer that `value` is, or an InputError that names it and its index.

    Raises:
        NumberTypeError: for a bool, a float, a string, None and whatever else is not an integer.
        NumberValueError: for zero, a negative number, and one of more than MAX_DIGITS digits.
    """
    where = "" if index is None else f" at index {index}"
    if type(value) is not int:
        if isinstance(value, bool):
            raise NumberTypeError(f"{value}{where} is a bool, not an integer to factor", value, index)
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            hint = "; parse it with int() first" if isinstance(value, str | bytes) else ""
            if isinstance(value, float) and value.is_integer():
                hint = f"; {int(value)} would be"
            message = f"{show(value)}{where} is a {type(value).__name__}, not an integer{hint}"
            raise NumberTypeError(message, value, index) from None
    else:
        number = value
    if number <= 0:
        what = "zero has no factorization" if number == 0 else f"{show(number)} is negative"
        raise NumberValueError(f"{what}{where}: only integers from 1 up can be factored", number, index)
    if number >= _LIMIT:
        digits = number.bit_length() * 30103 // 100000 + 1
        message = f"a number of some {digits} digits{where} is too long: the limit is {MAX_DIGITS} digits"
        raise NumberValueError(message, number, index)
    return number


def normalize(
    numbers: Iterable[object] | Buffer,
    errors: dict[int, FactorpoolError] | None = None,
    nulls: dict[int, FactorpoolError] | None = None,
) -> Block:
    """All of `numbers`, checked, as one block, which never shares the caller's own memory.

    With `errors` given, a bad value goes there under its index and a 1 takes its place; else it is raised.  The same
    holds for `nulls` and what an Arrow column has no value for.
    """
    if isinstance(numbers, range) and numbers.step in (1, 2) and numbers and numbers[0] > 0 and numbers[-1] <= WORD_MAX:
        return Block(numbers)
    if (arrays := arrays_of(numbers)) is not None:
        words = array("Q")
        for found in arrays:
            words.frombytes(_from_arrow(found, len(words), errors, nulls))
        return Block(words)
    block = _from_buffer(numbers, errors)
    return block if block is not None else _from_iterable(numbers, errors)


BLOCK = 1 << 16
"""Numbers drawn from an iterator for a block of a stream: a few milliseconds of work."""


def blocks_of(
    numbers: Iterable[object] | Buffer, nulls: deque[tuple[int, FactorpoolError]] | None = None
) -> Iterator[Block]:
    """Any amount of numbers, checked, in blocks; iterators are drawn from block by block.

    The errors of an Arrow column's nulls go to `nulls` with their index, in order, before the block that has them.
    """
    if isinstance(numbers, range):
        yield from _pieces(numbers)
        return
    if (arrays := arrays_of(numbers)) is not None:
        before = 0
        for found in arrays:
            errors: dict[int, FactorpoolError] | None = None if nulls is None else {}
            words = words_of(_from_arrow(found, before, None, errors))
            if nulls is not None and errors:
                nulls.extend(errors.items())
            before += len(words)
            yield Block(words)
        return
    block = _from_buffer(numbers, None)
    if block is not None or type(numbers) in (list, tuple):
        yield block if block is not None else _from_iterable(numbers, None)
        return
    iterator, count = _iterator_of(numbers), 0
    while drawn := _draw(iterator, count, BLOCK):
        yield _pack(drawn, count, None)
        count += len(drawn)


def _pieces(numbers: range) -> Iterator[Block]:
    """A range in pieces that have a length Python can count."""
    most = 1 << 62
    while numbers:
        piece, numbers = numbers[:most], numbers[most:]
        yield normalize(piece)


def _from_buffer(numbers: object, errors: dict[int, FactorpoolError] | None) -> Block | None:
    """The block of an object with the buffer protocol; None for one without, or of Python objects."""
    if isinstance(numbers, str | bytes | bytearray):
        raise NumberTypeError(
            f"{show(numbers)} is a {type(numbers).__name__}, not integers; parse it first, or use a list",
            numbers,
        )
    try:
        view = memoryview(numbers)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):  # no buffer, or one that NumPy cannot describe
        return None
    if type(numbers).__module__.startswith("numpy.ma"):
        raise NumberTypeError(
            "a masked array cannot be factored, for its mask would be lost; use .compressed(), or .filled(1)", numbers
        )
    kind = view.format.lstrip("@=<" if sys.byteorder == "little" else "@=>")
    if kind == "O":
        return None
    if view.ndim != 1:
        raise NumberTypeError(f"an array of {view.ndim} dimensions cannot be factored; use .ravel()", numbers)
    if kind not in _SIGNED + _UNSIGNED or len(kind) != 1:
        first = f", first value {view[0]!r}" if len(view) and kind in "fd?" else ""
        raise NumberTypeError(
            f"an array of format {view.format!r}{first} does not hold native integers; "
            "convert it where that loses nothing, as with .astype('uint64')",
            numbers,
            0,
        )
    signed = kind in _SIGNED
    # A copy: what the caller does to the array later is not to change results.
    words = words_of(_native.widen(view if view.c_contiguous else view.tobytes(), view.itemsize, signed))
    _check_words(words, signed, 0, errors)
    return Block(words)


def _check_words(words: memoryview[int], signed: bool, start: int, errors: dict[int, FactorpoolError] | None) -> None:
    """Puts a 1 in the place of each that is no number to factor; `start` is the index of the first."""
    most = WORD_MAX >> 1 if signed else WORD_MAX
    bad = _native.find_outside(words, 1, most)
    while bad >= 0:
        value = words[bad]
        _reject(value - (WORD_MAX + 1 if value > most else 0), start + bad, errors)
        words[bad] = 1
        further = _native.find_outside(words[bad + 1 :], 1, most)
        bad = bad + 1 + further if further >= 0 else -1


def _from_arrow(
    found: ArrowWords, start: int, errors: dict[int, FactorpoolError] | None, nulls: dict[int, FactorpoolError] | None
) -> bytearray:
    """The words of an Arrow array, checked; `start` is the index of the first."""
    data = bytearray(found.words)
    _check_words(memoryview(data).cast("Q"), found.signed, start, errors)
    for at in found.nulls:
        error = NumberTypeError(f"null at index {start + at} is no integer", None, start + at)
        if nulls is None:
            raise error
        nulls[start + at] = error
    return data


def _reject(value: object, index: int, errors: dict[int, FactorpoolError] | None) -> None:
    """Raises, or notes, that `value` is not acceptable."""
    try:
        check(value, index)
    except InputError as error:
        if errors is None:
            raise
        errors[index] = error


def _from_iterable(numbers: Iterable[object] | Buffer, errors: dict[int, FactorpoolError] | None) -> Block:
    if type(numbers) in (list, tuple) and (packed := _native.pack(numbers)) is not None:  # type: ignore[arg-type]
        return Block(words_of(packed))
    iterator = _iterator_of(numbers)
    words = array("Q")
    wide: list[int] | None = None
    count = 0
    while block := _draw(iterator, count):
        checked = _pack(block, count, errors)
        if wide is None and checked.kind is Kind.WIDE:
            wide = words.tolist()
        if wide is not None:
            wide.extend(checked)
        else:
            words.frombytes(checked.words().cast("B"))
        count += len(block)
    return Block(words if wide is None else wide)


def _iterator_of(numbers: Iterable[object] | Buffer) -> Iterator[object]:
    try:
        return iter(numbers)  # type: ignore[arg-type]
    except TypeError:
        raise NumberTypeError(
            f"{show(numbers)} is a {type(numbers).__name__}, not a series of integers; for one number use factor()",
            numbers,
        ) from None


def _draw(iterator: Iterable[object], before: int, most: int = _BLOCK) -> list[object]:
    block: list[object] = []
    try:
        block.extend(islice(iterator, most))
    except Exception as error:
        error.add_note(f"factorpool: the iterable raised this after {before + len(block)} numbers")
        raise
    return block


def _pack(block: Sequence[object], start: int, errors: dict[int, FactorpoolError] | None) -> Block:
    """A block of values; `start` is the index of the first."""
    if (packed := _native.pack(block)) is not None:
        return Block(words_of(packed))
    checked = []
    for index, value in enumerate(block, start):
        try:
            checked.append(check(value, index))
        except InputError as error:
            if errors is None:
                raise
            errors[index] = error
            checked.append(1)
    return Block.packed(checked)
