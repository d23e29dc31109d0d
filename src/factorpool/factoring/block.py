"""A block: numbers that travel together from the caller to a worker, and that know of which kind they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, cast, overload

from factorpool import _native
from factorpool.pool.gil import gil_enabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    Words = memoryview[int]
    Values = Words | range | list[int]

WORD_MAX = (1 << 64) - 1


class Kind(Enum):
    """What a block is made of."""

    WORDS = "a memoryview of uint64"
    RANGE = "a range of step 1 or 2 with at most 64 bits: the kernel sieves it"
    WIDE = "a list of ints, some of which exceed 64 bits"
    TEXT = "text, in which the numbers are counted, and not parsed yet"


class Text:
    """Numbers of at most 64 bits as they stand in text[start:stop], between white space; parts of it share the text."""

    __slots__ = ("_count", "_cut", "_start", "_stop", "_text")

    def __init__(self, text: bytes, count: int, start: int, stop: int) -> None:
        self._count = count
        self._text = text
        self._start = start
        self._stop = stop
        self._cut = 0, start  # the number before which a part ended, and where: the next begins there

    def __len__(self) -> int:
        return self._count

    def part(self, first: int, last: int) -> Text:
        """The numbers from `first` on and before `last`."""
        number, at = self._cut if self._cut[0] <= first else (0, self._start)
        start = _native.skip_numbers(self._text, at, first - number)
        stop = self._stop if last >= self._count else _native.skip_numbers(self._text, start, last - first)
        self._cut = last, stop
        return Text(self._text, min(last, self._count) - first, start, stop)

    def words(self) -> Words:
        """The numbers, parsed."""
        words, _, odd, _, _ = _native.parse(self._bytes(), 0, False)
        assert (odd, len(words)) == (-1, 8 * self._count)
        return words_of(words)

    def _bytes(self) -> memoryview:
        return memoryview(self._text)[self._start : self._stop]

    def __reduce__(self) -> tuple[object, ...]:
        text = bytes(self._bytes())
        return Text, (text, self._count, 0, len(text))


class Block(Sequence[int]):
    """Numbers of one kind, all from 1 up (from a file there may be a 0 among them, which has no primes).

    `position` is how far the text that they were read from was used up with the last of them, in bytes; None for
    numbers of another origin, and for a slice that ends before the last.
    """

    __slots__ = ("kind", "position", "values")

    def __init__(self, values: Values | Text | array[int], position: int | None = None) -> None:
        if isinstance(values, array):
            values = memoryview(values).cast("B").cast("Q")
        self.values = values
        self.kind = _KINDS[type(values)]
        self.position = position

    @classmethod
    def packed(cls, numbers: list[int]) -> Block:
        """Ints, as words if they fit."""
        return cls(numbers if max(numbers, default=0) > WORD_MAX else array("Q", numbers))

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Block: ...

    def __getitem__(self, index: int | slice) -> int | Block:
        values: Any = self.values
        if not isinstance(index, slice):
            return cast(int, self._parsed()[index])
        first, stop, step = index.indices(len(values))
        if (first, stop, step) == (0, len(values), 1):
            return self
        if self.kind is Kind.TEXT:
            part = values.part(first, max(first, stop)) if step == 1 else values.words()[index]
        else:
            part = words_in(values, index) if self.kind is Kind.WORDS else values[index]
        last = index.stop is None or index.stop >= len(values)
        return Block(part, self.position if last else None)

    def __iter__(self) -> Iterator[int]:
        return iter(self._parsed())

    def __reduce__(self) -> tuple[object, ...]:
        if isinstance(self.values, memoryview):
            return _from_bytes, (self.values.tobytes(),)
        return Block, (self.values,)

    def parsed(self) -> Block:
        """The same, if it is text as words."""
        return Block(self._parsed(), self.position) if self.kind is Kind.TEXT else self

    def words(self) -> Words:
        """All of a block that is not wide as a memoryview of uint64."""
        assert self.kind is not Kind.WIDE
        values: Any = self._parsed()
        return cast("Words", values) if isinstance(values, memoryview) else words_of(values)

    def _parsed(self) -> Any:
        return self.values.words() if isinstance(self.values, Text) else self.values


_KINDS = {memoryview: Kind.WORDS, range: Kind.RANGE, list: Kind.WIDE, Text: Kind.TEXT}


def _from_bytes(words: bytes) -> Block:
    return Block(words_of(words))


def words_in(words: Words, piece: slice) -> Words:
    """A slice of words.

    Without a GIL, the slices of one memoryview lose count of each other when threads let go of them (CPython issue
    155606), so each gets memory of its own.
    """
    return words[piece] if gil_enabled() else words_of(words[piece].tobytes())


def words_of(numbers: Words | range | bytes | bytearray) -> Words:
    """A memoryview of uint64: of the words, or those of a range."""
    if isinstance(numbers, range):
        numbers = _native.progression(numbers.start, numbers.step, len(numbers))
    return memoryview(numbers).cast("B").cast("Q")
