"""A block: numbers that travel together from the caller to a worker, and that know of which kind they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, overload

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


class Block(Sequence[int]):
    """Numbers of one kind, all from 1 up (from a file there may be a 0 among them, which has no primes).

    `position` is how far the text that they were read from was used up with the last of them, in bytes; None for
    numbers of another origin, and for a slice that ends before the last.
    """

    __slots__ = ("kind", "position", "values")

    def __init__(self, values: Values | array[int], position: int | None = None) -> None:
        if isinstance(values, array):
            values = memoryview(values).cast("B").cast("Q")
        self.values = values
        self.kind = Kind.WIDE if isinstance(values, list) else Kind.RANGE if isinstance(values, range) else Kind.WORDS
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
        if not isinstance(index, slice):
            return self.values[index]
        if index.start == 0 and index.stop == len(self.values):
            return self
        part: Any = words_in(self.values, index) if self.kind is Kind.WORDS else self.values[index]  # type: ignore[arg-type]
        last = index.stop is None or index.stop >= len(self.values)
        return Block(part, self.position if last else None)

    def __iter__(self) -> Iterator[int]:
        return iter(self.values)

    def __reduce__(self) -> tuple[object, ...]:
        if isinstance(self.values, memoryview):
            return _from_bytes, (self.values.tobytes(),)
        return Block, (self.values,)

    def words(self) -> Words:
        """All of a block that is not wide as a memoryview of uint64."""
        assert self.kind is not Kind.WIDE
        return self.values if self.kind is Kind.WORDS else words_of(self.values)  # type: ignore[arg-type, return-value]


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
