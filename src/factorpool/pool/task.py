"""The task of `pmap` and of `Pool.submit`: calls a function on every item."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from factorpool.errors import annotate, show
from factorpool.pool.protocol import Hint, Piece, Place

BATCH = 64
"""Most items between two looks at the clock and the stop flag: 0.3 us for each batch is nothing for that many."""

BATCH_SECONDS = 0.0005
"""A batch that takes longer is followed by one of a single item: items have become slow."""


def call_with(fn: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Calls a function of several arguments on an item that has them all."""
    return fn(*arguments)


class MapTask:
    """Calls a function on every item; with `collect`, goes on after an exception.

    `setup` prepares a worker of a pool, and knows whether it has; `names_items` has each exception say for which item.
    """

    first_chunk = 1
    least_chunk = 1
    itemwise = True
    clock = staticmethod(time.perf_counter)

    def __init__(
        self,
        fn: Callable[[Any], Any],
        collect: bool,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        setup: Callable[[], object] | None = None,
        names_items: bool = True,
    ) -> None:
        self.fn = fn
        self.collect = collect
        self.initializer = initializer
        self.taints = initializer is not None
        self.setup = setup
        self.names_items = names_items
        self.initargs = initargs

    def hint(self, items: object, total: int | None, count: Callable[[], int]) -> Hint | None:
        """Nothing is known of the function, unless there is nothing to share."""
        if total is not None and total < 2:
            return Hint(Place.HERE, "there is nothing to share")
        if self.initializer is not None:
            return Hint(Place.APART, "an initializer prepares workers, and should leave this process alone")
        return None

    def alone_chunk(self, total: int | None) -> int:
        """Items are of unknown cost."""
        return self.first_chunk

    def start(self) -> None:
        """Runs the pool's initializer, if this worker has not yet, and the task's own."""
        if self.setup is not None:
            self.setup()
        if self.initializer is not None:
            self.initializer(*self.initargs)

    def pieces(self, payload: Sequence[Any], start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Piece]:
        """Lists of results, and each exception by itself, with a note that names its item."""
        items, total = iter(payload), len(payload)
        done, batch = 0, 1
        results: list[Any] = []
        began = looked = self.clock()
        while done + len(results) < total:
            if stop[0]:
                return
            before = len(results)
            failure: BaseException | None = None
            try:
                results.extend(map(self.fn, islice(items, batch)))  # what came before an exception stays in the list
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit too: a function that exits must not end its worker
                failure = error
            else:
                if len(results) < min(before + batch, total - done):  # `extend` takes it for the end of the items
                    failure = RuntimeError("the function raised StopIteration")
            now = self.clock()
            slow, looked = now - looked > BATCH_SECONDS, now
            batch = 1 if slow or pace == 0 else min(2 * batch, BATCH)
            finished = done + len(results) == total
            spent = now - began
            if results and (failure is not None or finished or spent >= pace):
                yield Piece(len(results), results, None, spent, finished, failure is not None)
                done += len(results)
                results, spent = [], 0.0
                began = looked = self.clock()  # whoever took them may have taken their time
            if failure is not None:
                if self.names_items:
                    annotate(failure, f"factorpool: raised for item {start + done}, {show(payload[done])}")
                yield Piece(1, None, failure, spent, not self.collect or done + 1 == total)
                if not self.collect:
                    return
                done += 1
                began = looked = self.clock()
