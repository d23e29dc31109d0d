"""Items that workers have not brought back, and that are to be run before new ones."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from factorpool.pool.protocol import Chunk


class _Rest(NamedTuple):
    """The items of a chunk from `offset` on; `start` is the index of the first of them."""

    start: int
    offset: int
    chunk: Chunk


class Returned:
    """Chunks in the order of their items.  What is cut off one leaves the rest where it is: nothing is copied twice."""

    def __init__(self) -> None:
        self.items = 0
        self._rests: list[_Rest] = []  # a heap

    def __bool__(self) -> bool:
        return bool(self._rests)

    def add(self, chunk: Chunk) -> None:
        """Takes in a chunk, if it has items."""
        if len(chunk.payload):
            self.items += len(chunk.payload)
            heappush(self._rests, _Rest(chunk.start, 0, chunk))

    def cut(self, most: int) -> Chunk:
        """The first chunk, or its first items if those are too many.

        >>> returned = Returned()
        >>> returned.add(Chunk(10, "abcde"))
        >>> returned.cut(2)[:2], returned.cut(9)[:2], returned.items
        ((10, 'ab'), (12, 'cde'), 0)
        """
        start, offset, chunk = heappop(self._rests)
        payload = chunk.payload[offset : offset + most]
        self.items -= len(payload)
        if offset + most < len(chunk.payload):
            heappush(self._rests, _Rest(start + most, offset + most, chunk))
        return chunk._replace(start=start, payload=payload)
