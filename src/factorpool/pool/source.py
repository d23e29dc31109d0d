"""Where items come from: sequences are sliced, iterators are drawn from, streams of blocks are cut where they are.

A source gives at most as many items as asked for, and none at its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

WIDE_CHUNK = 64
"""Most numbers taken at once from a block with integers beyond 64 bits: each may take a thousand times as long as
those of the block before, which the sizes of chunks go by."""


class Source(Protocol):
    """Items to work on, in order."""

    def take(self, most: int) -> Sequence[Any]:
        """The next items, between one and `most` of them, or none at the end.  May wait for them."""

    def remaining(self) -> int | None:
        """How many are left; None where nobody knows."""

    def ready(self) -> bool:
        """Whether `take` would answer at once."""


class SequenceSource:
    """Slices of anything with a length: a list, a memoryview, a range."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._next = 0

    def take(self, most: int) -> Sequence[Any]:
        """The next slice."""
        taken = self._items[self._next : self._next + most]
        self._next += len(taken)
        return taken

    def remaining(self) -> int | None:
        """How many items are left."""
        return len(self._items) - self._next

    def ready(self) -> bool:
        """Always: everything is there."""
        return True


DRAW_SECONDS = 0.01
"""A chunk is not drawn from an iterator for longer than this: what is there is worked on while the iterator goes on."""


class IteratorSource:
    """Lists drawn from an iterator.  If it raises, what came before is still given; the error follows."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._error: Exception | None = None

    def take(self, most: int) -> Sequence[Any]:
        """The next items as a list."""
        taken: list[Any] = []
        began, batch = time.perf_counter(), 1
        if self._error is None:
            try:
                while len(taken) < most and time.perf_counter() - began < DRAW_SECONDS:
                    wanted = len(taken) + min(batch, most - len(taken))
                    taken.extend(islice(self._items, wanted - len(taken)))
                    if len(taken) < wanted:
                        break
                    batch *= 2
            except Exception as error:  # the user's own; raised below or at the next call
                self._error = error
        if self._error is not None and not taken:
            raise self._error
        return taken

    def remaining(self) -> int | None:
        """Nobody knows."""
        return None

    def ready(self) -> bool:
        """An iterator cannot be asked."""
        return True


class BlockSource:
    """Slices of blocks that arrive one by one; a slice never crosses the border of a block."""

    def __init__(self, blocks: Iterator[Sequence[Any]], ready: Callable[[], bool]) -> None:
        self._blocks = blocks
        self._block = SequenceSource(())
        self._wide = False
        self._ready = ready

    def take(self, most: int) -> Sequence[Any]:
        """The next slice of the block at hand, or of the next one that is not empty."""
        while not self._block.remaining():
            block = next(self._blocks, None)
            if block is None:
                return ()
            self._block = SequenceSource(block)
            self._wide = isinstance(block, list)
        return self._block.take(min(most, WIDE_CHUNK) if self._wide else most)

    def remaining(self) -> int | None:
        """Nobody knows."""
        return None

    def ready(self) -> bool:
        """Whether the block at hand has more, or the next one has arrived."""
        return bool(self._block.remaining()) or self._ready()
