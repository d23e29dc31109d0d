"""Where items come from: sequences are sliced, iterators are drawn from, streams of blocks are cut where they are.

A source gives at most as many items as asked for, and none at its end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from itertools import islice
from typing import Any, Protocol


class Source(Protocol):
    """Items to work on, in order."""

    def take(self, most: int) -> Sequence[Any]:
        """The next items, between one and `most` of them, or none at the end.  May wait for them."""

    def remaining(self) -> int | None:
        """How many are left; None where nobody knows."""

    def ready(self, most: int) -> bool:
        """Whether `take(most)` would answer at once."""

    def prepare(self) -> bool:
        """Gets the next items ready where that takes no waiting; whether `take` will take no time then."""


class SequenceSource:
    """Slices of anything with a length: a list, a memoryview, a range."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._count = len(items)
        self._next = 0

    def take(self, most: int) -> Sequence[Any]:
        """The next slice."""
        if self._next >= self._count:
            return ()
        taken = self._items[self._next : min(self._next + most, self._count)]
        self._next += len(taken)
        return taken

    def remaining(self) -> int | None:
        """How many items are left."""
        return self._count - self._next

    def ready(self, most: int) -> bool:
        """Always: everything is there."""
        return True

    def prepare(self) -> bool:
        """There is nothing to do."""
        return True


DRAW_SECONDS = 0.01
"""A chunk is not drawn from an iterator for longer than this: what is there is worked on while the iterator goes on."""


class IteratorSource:
    """Lists drawn from an iterator.  If it raises, what came before is still given; the error follows."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._error: Exception | None = None
        self._drawer: _Drawer | None = None

    def draw_apart(self, wake: Callable[[], object]) -> None:
        """From now on draws in a thread of its own, so that nobody has to wait for the iterator who has other work.

        An iterator may be slow, or may wait for results itself.  `wake` is called when there are items.
        """
        if self._drawer is None and self._error is None:
            self._drawer = _Drawer(self._items, wake)

    def take(self, most: int) -> Sequence[Any]:
        """The next items as a list."""
        return self._draw(most) if self._drawer is None else self._drawer.take(most)

    def _draw(self, most: int) -> list[Any]:
        taken: list[Any] = []
        began, batch = time.perf_counter(), 1
        if self._error is None:
            try:
                # One at least, however late it is: none would be the end.
                while len(taken) < most and not (taken and time.perf_counter() - began >= DRAW_SECONDS):
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

    def ready(self, most: int) -> bool:
        """An iterator cannot be asked, but the thread that draws from it can."""
        return self._drawer is None or self._drawer.ready(most)

    def prepare(self) -> bool:
        """An iterator may take its time, and is drawn from only for a worker that is free."""
        return False

    def close(self) -> None:
        """Draws no more."""
        if self._drawer is not None:
            self._drawer.close()


class _Drawer:
    """A thread that draws items when it is asked for some, never more than that.

    What it has drawn is given away once it is as much as was asked for, or DRAW_SECONDS later, whatever it is by then.
    """

    def __init__(self, items: Iterator[Any], wake: Callable[[], object]) -> None:
        self._items = items
        self._wake = wake
        self._drawn: deque[Any] = deque()
        self._taken = 0  # items in all,
        self._allowed = 0  # and those that may be drawn
        self._asked = 0.0  # when it was asked for more the last time
        self._end: Exception | None = None  # a StopIteration, or what the iterator has raised instead
        self._condition = threading.Condition()
        self._closed = False
        run = copy_context().run
        threading.Thread(target=run, args=(self._work,), name="factorpool-drawer", daemon=True).start()

    def ready(self, most: int) -> bool:
        """Whether `take(most)` would answer at once; if not, items are asked for."""
        with self._condition:
            self._ask(most)
            late = time.perf_counter() - self._asked > DRAW_SECONDS
            return self._enough(most) or bool(self._drawn and late)

    def take(self, most: int) -> list[Any]:
        """At most so many items; waits for one at least."""
        with self._condition:
            self._ask(most)
            while not self._enough(most):
                remaining = DRAW_SECONDS - (time.perf_counter() - self._asked)
                if self._drawn and remaining <= 0:
                    break
                self._condition.wait(remaining if self._drawn else DRAW_SECONDS)  # an item in the middle tells nobody
            taken = [self._drawn.popleft() for _ in range(min(most, len(self._drawn)))]
            self._taken += len(taken)
            self._asked = time.perf_counter()
            if not taken and not isinstance(self._end, StopIteration):
                assert self._end is not None
                raise self._end
            return taken

    def close(self) -> None:
        """Ends the thread, once the iterator lets it."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _ask(self, most: int) -> None:
        wanted = self._taken + most
        if wanted > self._allowed:
            if self._taken + len(self._drawn) >= self._allowed:  # the thread is at rest
                self._asked = time.perf_counter()
            self._allowed = wanted
            self._condition.notify_all()

    def _enough(self, most: int) -> bool:
        return len(self._drawn) >= most or self._end is not None

    def _work(self) -> None:
        while True:
            with self._condition:
                while (count := self._allowed - self._taken - len(self._drawn)) <= 0 and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
            self._draw(1)  # somebody may wait for it
            self._draw(count - 1)
            self._wake()
            if self._end is not None:
                return

    def _draw(self, count: int) -> None:
        """Draws so many items; each can be taken at once, while the iterator goes on."""
        with self._condition:
            if self._end is not None:
                return
            before = self._taken + len(self._drawn)
        end: Exception | None = None
        try:
            self._drawn.extend(islice(self._items, count))
        except Exception as error:
            end = error
        with self._condition:
            if end is None and self._taken + len(self._drawn) < before + count:
                end = StopIteration()
            self._end = end
            self._condition.notify_all()


class BlockSource:
    """Slices of blocks that arrive one by one; a slice never crosses the border of a block.  A block may be empty.

    `ready` says whether the next block can be had without waiting, None where nobody knows; `limit` how many items of a
    block may be taken at once; None: any.
    """

    def __init__(
        self,
        blocks: Iterator[Sequence[Any]],
        ready: Callable[[], bool] | None,
        limit: Callable[[Sequence[Any]], int | None] = lambda _: None,
    ) -> None:
        self._blocks = blocks
        self._block = SequenceSource(())
        self._most: int | None = None
        self._ready = ready
        self._limit = limit
        self._more = True

    def take(self, most: int) -> Sequence[Any]:
        """The next slice of the block at hand, or of the next one that is not empty."""
        while not self._block.remaining() and self._more:
            self._next()
        return self._block.take(most if self._most is None else min(most, self._most))

    def remaining(self) -> int | None:
        """Nobody knows."""
        return None

    def ready(self, most: int) -> bool:
        """Whether the block at hand has more, or the next one that is not empty has arrived, or the end."""
        return self._ready is None or self.prepare() or not self._more

    def prepare(self) -> bool:
        """Gets the next block that is not empty, which may have to be read and parsed, if it is there."""
        while self._ready is not None and not self._block.remaining() and self._more and self._ready():
            self._next()
        return bool(self._block.remaining())

    def _next(self) -> None:
        """Goes on to the next block."""
        block = next(self._blocks, None)
        self._more = block is not None
        if block is not None:
            self._block = SequenceSource(block)
            self._most = self._limit(block)
