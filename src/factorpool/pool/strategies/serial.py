"""`serial`: the caller's own thread.  What every other strategy is measured against."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from factorpool.pool.protocol import Chunk, Event, Free, Piece, Plain, Task, TaskRef, Traits, events_of, to_the_last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf


class Serial(Plain):
    """One item after the other, in the calling thread."""

    name: ClassVar[str] = "serial"
    summary: ClassVar[str] = "one after the other in the calling thread"
    traits: ClassVar[Traits] = Traits(
        remote=False, stops_items=False, parallel_python=False, start_seconds=0.0, rank=0, color="#4c78a8"
    )

    def why_unavailable(self) -> str | None:
        """Nothing keeps it from running."""
        return None

    def capacity(self) -> int:
        """There is one calling thread."""
        return 1

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> SerialWorkers:
        """The calling thread."""
        return SerialWorkers(task.task)


class SerialWorkers:
    """One slot, which runs its chunk while the dispatcher waits for it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started = False
        self._start: int | None = None  # of the chunk that is running
        self._pieces: Iterator[Piece] = iter(())
        self._never = bytearray(1)

    @property
    def held(self) -> Collection[int]:
        """The chunk that `wait` will go on with."""
        return () if self._start is None else (self._start,)

    def submit(self, chunk: Chunk) -> None:
        """Keeps the chunk for `wait`."""
        if not self._started:
            self._task.start()
            self._started = True
        self._start = chunk.start
        self._pieces = to_the_last(self._task.pieces(chunk.payload, chunk.start, self._never, chunk.pace))

    def wait(self, timeout: float | None) -> list[Event]:
        """Runs the next piece of the chunk, however long it takes."""
        if self._start is None:
            return []
        events = events_of(self._start, next(self._pieces))
        if isinstance(events[-1], Free):
            self._start = None
        return events

    def wake(self) -> None:
        """Nothing to wake: it does not wait for others."""

    def close(self, *, graceful: bool) -> None:
        """Nothing to free."""
