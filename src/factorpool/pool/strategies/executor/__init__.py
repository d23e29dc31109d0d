"""`Executor`: any executor of `concurrent.futures`, so that work runs where the user's other work does.

Dask, mpi4py, loky, parsl, executorlib and the standard library have one.  Only its `submit` is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import ClassVar

from factorpool.errors import OptionError, StrategyUnavailableError, show
from factorpool.pool.protocol import TaskRef, Traits
from factorpool.pool.shelf import KEEP_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf
    from factorpool.pool.strategies.executor.workers import ExecutorWorkers, Handle


MOST_COUNTED = 64
"""Executors of which it is remembered how many slots they have, so that equal ones need not be made to be asked."""

LOOK_SECONDS = 1.0
"""How often one that is in use is asked how many slots it has: those of a cluster come and go."""


class _Seen:
    """What one strategy knows of its executor: the one that was used last, its slots, and when they were counted."""

    handle: Handle | None = None
    slots = 0
    looked = 0.0


@dataclass(frozen=True)
class Executor:
    """Any `concurrent.futures.Executor`.

    Args:
        executor: one, which is never shut down here; or a function that makes one, and makes it anew after a worker's
            death has broken it, as that breaks those of the standard library and of loky.
        slots: how many calls it runs at once; None asks it.

    What a call has done comes back when it ends: after a second at most, or with the item that runs then.  An item that
    ends its worker is found by running what was lost again, ever fewer items at once.  `timeout` is refused, as no
    executor can end a call that runs.

    Raises:
        OptionError: what is no executor, or one that does not say how many slots it has.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import factorpool as fp
    >>> with ThreadPoolExecutor(2) as threads:
    ...     list(fp.pmap(abs, [-1, -2, -3], strategy=fp.Executor(threads)))
    [1, 2, 3]
    """

    executor: futures.Executor | Callable[[], futures.Executor]
    slots: int | None = None
    _spare: list[Handle] = field(default_factory=list, init=False, repr=False, compare=False)
    _seen: _Seen = field(default_factory=_Seen, init=False, repr=False, compare=False)

    name: ClassVar[str] = "executor"
    summary: ClassVar[str] = "an executor of another library, as fp.Executor(...) or executor:MODULE:FUNCTION"
    traits: ClassVar[Traits] = Traits(
        remote=True,
        stops_items=False,
        parallel_python=True,
        start_seconds=1.0,
        rank=4,
        color="#e45756",
        piecewise=False,
        ahead=1,
        chunk_seconds=0.5,
        elastic=True,
    )

    def __post_init__(self) -> None:
        if not isinstance(self.executor, futures.Executor) and (
            isinstance(self.executor, type) or not callable(self.executor)
        ):
            raise OptionError(
                "Executor takes a concurrent.futures.Executor, or a function without arguments that makes one, not "
                f"{show(self.executor)}"
            )
        if self.slots is not None and (
            isinstance(self.slots, bool) or not isinstance(self.slots, int) or self.slots < 1
        ):
            raise OptionError(f"slots must be a positive integer or None, not {self.slots!r}")

    def why_unavailable(self) -> str | None:
        """Nothing is known before it is tried."""
        return None

    @property
    def rests(self) -> bool:
        """Whether it may stay between runs: one that is the caller's own is theirs to keep, or to drop."""
        return not isinstance(self.executor, futures.Executor)

    def capacity(self) -> int:
        """Its slots; asked anew every LOOK_SECONDS."""
        if self.slots is not None:
            return self.slots
        now, seen = time.monotonic(), self._seen
        if not seen.slots or now - seen.looked > LOOK_SECONDS:
            seen.slots, seen.looked = self._count(), now
        return seen.slots

    def forget_capacity(self) -> None:
        """Has its slots counted anew when they are asked for next."""
        _counted.pop(self, None)
        self._seen.slots = 0

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ExecutorWorkers:
        """Its slots, for one task; one that is made here rests on the shelf between runs."""
        from factorpool.pool.pickling import task_message
        from factorpool.pool.strategies.executor.workers import ExecutorWorkers, Handle

        task_message(task, inherits=False)  # an error for what cannot travel comes before there is anything to end
        handle = None if shelf is None or not self.rests else shelf.take(task.number)
        while self._spare and handle is None:
            spare = self._spare.pop()
            handle = spare if spare.alive() else None
        if not isinstance(handle, Handle):
            handle = self._handle()
        self._seen.handle = handle
        return ExecutorWorkers(task, slots, handle, shelf)

    def _handle(self) -> Handle:
        from factorpool.pool.strategies.executor.workers import Handle, made

        if isinstance(self.executor, futures.Executor):
            return Handle(self.executor, None)
        return Handle(made(self.executor), self.executor)

    def _count(self) -> int:
        """How many slots it has now, or had when it last said so."""
        handle = self._seen.handle
        if handle is not None and handle.usable:
            count = handle.kind.slots(handle.executor) or self._seen.slots
        else:
            count = _counted.get(self, 0) if self.rests else 0
        return self._remember(count) if count else self._count_anew()

    def _count_anew(self) -> int:
        handle = self._seen.handle = self._handle()
        count = handle.kind.slots(handle.executor)
        if count is None:
            if handle.made_here:
                handle.tell_to_end()
            raise StrategyUnavailableError(
                f"{handle.executor!r} does not say how many calls it runs at once, or has no workers: say slots=, or "
                "start workers"
            )
        if handle.made_here:
            handle.rest(KEEP_SECONDS)  # if nothing is run on it
            self._spare.append(handle)
        return self._remember(count)

    def _remember(self, count: int) -> int:
        if self.rests:
            _counted[self] = count
            while len(_counted) > MOST_COUNTED:
                _counted.pop(next(iter(_counted)))
        return count


_counted: dict[Executor, int] = {}
"""The slots of those that are made here."""
